"""What hidden layers see."""

"""What the slides claim, and what would have to be seen if it were true.

The statements were fixed on other members than those that they are judged on.

Each claim is a statement that is true or false of each member, see `statistics.statement`. It holds
if it is true of clearly more than half of the members, and does not hold if it is true of clearly
less than half; in between it cannot be told. The numbers of both are in `statistics.BAND`. A loss
is lower if it is lower by more than `results.MARGIN`; equal numbers are neither lower nor higher.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A claim of the slides.

    number: of the experiment. slide: its title.
    words: the slide's own, see study/quotations.md; none where the slide only shows what it does,
        and the question is ours.
    statement: what would be true of more than half of the members if the claim were true.
    file, key: where its outcome stands, in study/metrics/claims.
    """

    number: int
    slide: str
    words: str
    statement: str
    file: str
    key: str


def _at_both_rates(number, slide, words, statement, file, key) -> tuple[Claim, Claim]:
    """Ask it of trainings at the learning rate that suits each best, and at the lecture's."""
    return (
        Claim(number, slide, words, f"{statement}, each at its best rate", file, f"best.{key}"),
        Claim(number, slide, words, f"{statement}, at the lecture's rate", file, f"lecture.{key}"),
    )


CLAIMS = (
    *_at_both_rates(
        1, "Activation Functions", "",
        "ReLU's final loss is lower than without activations",
        "training/activation", "lower_loss.relu_than_none",
    ),
    *_at_both_rates(
        1, "Activation Functions",
        "making the hyperbolic tangent a better activation function than the sigmoid",
        "tanh's final loss is lower than the sigmoid's",
        "training/activation", "lower_loss.tanh_than_sigmoid",
    ),
    *_at_both_rates(
        2, "Activation Functions", "This pattern leads for a faster convergence",
        "ReLU gets below a loss of 0.3 in fewer epochs than the sigmoid",
        "training/convergence", "fewer_epochs.relu_than_sigmoid",
    ),
    *_at_both_rates(
        2, "Activation Functions", "This pattern leads for a faster convergence",
        "ReLU gets below a loss of 0.3 in fewer epochs than tanh",
        "training/convergence", "fewer_epochs.relu_than_tanh",
    ),
    Claim(
        3, "Activation Functions",
        "the problem of vanishing gradients found with its two predecessors",
        "With tanh and PyTorch's initial weights, the first layer's gradient is less than a tenth "
        "with 8 layers of that with 1",
        "training/gradients", "pytorch.falls_tenfold.tanh",
    ),
    Claim(
        3, "Activation Functions",
        "This is the underlying cause of what is referred to as the problem of vanishing gradients",
        "From 1 to 8 layers with PyTorch's initial weights, the first layer's gradient falls more "
        "with tanh than without activations",
        "training/gradients", "pytorch.falls_more_than_none.tanh",
    ),
    Claim(
        3, "Activation Functions", "RELU addresses the problem of vanishing gradients",
        "With PyTorch's initial weights, the first of 8 layers has a larger gradient with ReLU "
        "than with the sigmoid",
        "training/gradients", "pytorch.relu_larger_than.sigmoid",
    ),
    Claim(
        3, "Activation Functions", "RELU addresses the problem of vanishing gradients",
        "With PyTorch's initial weights, the first of 8 layers has a larger gradient with ReLU "
        "than with tanh",
        "training/gradients", "pytorch.relu_larger_than.tanh",
    ),
    Claim(
        4, "Activation Functions", "It's like the neuron got stuck",
        "Of the second layer's units that die in 50 epochs, half or more are dead at epoch 500",
        "training/dead_units", "layer1.stuck",
    ),
    Claim(
        4, "Activation Functions", "it gives the neuron a chance to get unstuck",
        "With a leak of 0.01 from the first death on, half or more of the second layer's units "
        "that died then are active 50 epochs later",
        "training/dead_units", "layer1.active_again.leak_0.01.half_active",
    ),
    *_at_both_rates(
        5, "Activation Functions", "",
        "PReLU's final loss is lower than leaky ReLU's",
        "training/activation", "lower_loss.prelu_than_leaky_relu",
    ),
    Claim(
        6, "Activation Functions", "you can use normalization layers (batch normalization)",
        "With batch normalisation, the inputs of six layers' ReLUs differ less in deviation",
        "training/batch_norm", "6_hidden_layers.more_alike",
    ),
    Claim(
        7, "Splitting the dataset: build a weighted sampler",
        "mini-batches containing roughly the same number of data points",
        "Balanced mini-batches hold 45 to 55 % diagonals on average",
        "data/balancing", "batches.balanced.roughly_half",
    ),
    Claim(
        8, "Splitting the dataset: all you need is data augmentation",
        "all you need is data augmentation",
        "On lines held back whose mirror images may be in training, ReLU trained with random flips "
        "is more accurate than always answering “diagonal”",
        "data/augmentation", "pattern.better_than_always_diagonal.relu",
    ),
    Claim(
        8, "Splitting the dataset: all you need is data augmentation",
        "all you need is data augmentation",
        "On lines held back together with their mirror images, ReLU trained with random flips is "
        "more accurate than always answering “diagonal”",
        "data/augmentation", "mirror_group.better_than_always_diagonal.relu",
    ),
    Claim(
        9, "Splitting the dataset: all you need is data augmentation",
        "which can be used to improve the performance of a model after it is deployed",
        "Averaging with the mirror image's probability lowers the loss of ReLU, trained with "
        "flips, by more than 0.01",
        "data/test_time_augmentation", "relu.flips_on.lower_loss",
    ),
    *_at_both_rates(
        10, "Splitting the dataset: all you need is data augmentation",
        "",
        "ReLU's loss is lower with pixels in [-1, 1] than in [0, 1]",
        "data/centring", "relu.lower_loss",
    ),
    Claim(
        11, "Deep-ish Model", "This is just the reg. logistic",
        "After 100 epochs on the same mini-batches, deepish decides every line and mirror image "
        "as logistic regression does",
        "boundaries/one_matrix", "same_decisions",
    ),
    Claim(
        12, "Feature Space", "",
        "A hidden layer of 20 ReLUs separates the parabolas where one of 2 does not",
        "boundaries/parabolas", "where_other_fails.wide_than_narrow_shallow",
    ),
    Claim(
        13, "Splitting the dataset: all you need is data augmentation",
        "",
        "With three classes, flips that leave labels as they are raise the loss",
        "data/three_classes", "statements.off_than_naive.lower_loss",
    ),
    Claim(
        14, "Shallow Model", "",
        "With a bias, logistic regression is perfect after 1,000 epochs",
        "boundaries/bias", "networks.logistic.perfect_with_bias",
    ),
    Claim(
        15, "Deep Model", "",
        "ReLU's final loss is lower than logistic regression's, both at the lecture's rate",
        "training/activation", "lecture.lower_loss.relu_than_logistic",
    ),
)  # fmt: skip

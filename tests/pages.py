"""How tests use a page in a browser, and whether its texts can be read."""

from selenium.webdriver.support.wait import WebDriverWait

# Each text that is seen, and its contrast with what lies behind it (WCAG 2.2).
CONTRAST = r"""
const rgb = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = (color) => rgb(color).slice(0, 3).map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (e) => {
  const color = getComputedStyle(e).backgroundColor;
  return rgb(color)[3] === 0 ? behind(e.parentElement) : color;
};
const result = [], walk = document.createTreeWalker(document.querySelector("#playground"), 4);
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement, words = walk.currentNode.data.trim();
  if (!words || !e.getClientRects().length) continue;
  const text = getComputedStyle(e)[e.closest("svg") ? "fill" : "color"];
  const [high, low] = [text, behind(e)].map(luminance).sort((a, b) => b - a);
  result.push([words, (high + 0.05) / (low + 0.05)]);
}
return result;
"""


def js(page, code, *arguments):
    """Run JavaScript, in which `all` finds elements, and $0 and $1 are the arguments."""
    code = code.replace("$0", "arguments[0]").replace("$1", "arguments[1]")
    return page.execute_script(
        f"const all=s=>[...document.querySelectorAll(s)]; {code}", *arguments
    )


def find(page, selector):
    return page.find_element("css selector", selector)


def find_all(page, selector):
    return page.find_elements("css selector", selector)


def texts(page, selector):
    """The texts of elements, folded or not, without white space around and between."""
    return js(page, "return all($0).map(e => e.textContent.trim().replace(/\\s+/g, ' '))", selector)


def click(element):
    """Click what may lie below the table of contents."""
    js(element.parent, "$0.scrollIntoView({ block: 'center' })", element)
    element.click()


def press(page, *keys, on=None):
    """Press keys on what has the focus, or on an element that gets it."""
    if on is not None:
        js(page, "$0.focus()", on)
    for key in keys:
        page.switch_to.active_element.send_keys(key)


def address(page):
    return js(page, "return location.hash")


def wait(page, until):
    WebDriverWait(page, 60).until(lambda _: until())

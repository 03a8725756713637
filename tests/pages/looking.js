/** Visual checks of a page; tests inject this script. */
globalThis.looking = (() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const all = () => [...document.querySelectorAll("body *")].filter(isShown);
  const isShown = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  function pixel(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  }

  function behind(element) {
    const colour = pixel(getComputedStyle(element).backgroundColor);
    return colour[3] === 255 ? colour : behind(element.parentElement);
  }

  function coloured(element) {
    const style = getComputedStyle(element);
    return pixel(element instanceof SVGElement ? style.fill : style.color);
  }

  const rounded = ({ left, right, top, bottom }) => ({ left, right, top, bottom });

  return {
    /** Each text with its colour and that behind it. */
    texts: () => [
      ...all().filter(hasText).map((element) => [element.textContent.trim().slice(0, 40), coloured(element), behind(element)]),
      ...all()
        .filter((element) => element.placeholder)
        .map((field) => [field.placeholder, pixel(getComputedStyle(field, "::placeholder").color), behind(field)]),
    ],
    /** Return the elements that extend beyond the window's right edge. */
    outside: () =>
      all()
        .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
        .map((element) => element.outerHTML.slice(0, 80)),
    scrolls: () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    /** What has the focus, and whether it shows; null for nothing. */
    focused: () => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      return element === document.body ? null : [element.id || element.textContent.trim(), ring];
    },
    /** Where the texts of the plot are. */
    labels: () =>
      [...document.querySelectorAll(".plot text")].map((text) => ({
        words: text.textContent,
        ...rounded(text.getBoundingClientRect()),
      })),
  };
})();

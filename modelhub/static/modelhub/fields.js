// Fields of labels: counters, sliders, filters of options, buttons that clear. All listeners are on the document, so
// that swapped in fields need no start. Without this script the fields are a plain form.
"use strict";

function fieldOf(element) {
  return element.closest("fieldset.label-field");
}

// Characters as Python counts them: the length of a string counts emoji twice.
function lengthOf(text) {
  return [...text].length;
}

function showCount(area) {
  const counter = fieldOf(area).querySelector("[data-count]");
  const longest = Number(area.dataset.longest);
  const length = lengthOf(area.value);
  const excess = length - longest;
  counter.textContent = excess > 0 ? `${length} of ${longest}: ${excess} too many` : `${length} of ${longest}`;
  counter.classList.toggle("text-too-long", excess > 0);
}

function setNumber(range) {
  const number = fieldOf(range).querySelector("input.number");
  if (number.value === range.value) return;
  number.value = range.value;
  number.dispatchEvent(new Event("input", { bubbles: true }));
  number.dispatchEvent(new Event("change", { bubbles: true }));
}

function setRange(number) {
  const range = fieldOf(number).querySelector("[data-slider]");
  if (range && number.value !== "") range.value = number.value;
}

function optionsOf(filter) {
  return fieldOf(filter).querySelectorAll(".choices-long > .choice");
}

function filterOptions(filter) {
  const words = filter.value.normalize("NFC").toLowerCase().split(/\s+/).filter(Boolean);
  const options = optionsOf(filter);
  let found = 0;
  for (const option of options) {
    const name = option.querySelector("bdi").textContent.normalize("NFC").toLowerCase();
    const isShown = words.every((word) => name.includes(word));
    option.hidden = !isShown;
    found += isShown;
  }
  fieldOf(filter).querySelector("[data-found]").textContent = words.length ? `${found} of ${options.length} options` : "";
}

function chooseFound(filter) {
  const option = [...optionsOf(filter)].find((one) => !one.hidden);
  if (!option || filter.value.trim() === "") return;
  const input = option.querySelector("input");
  if (!input.checked) input.click();
  input.focus();
}

function clear(field) {
  for (const input of field.querySelectorAll(".label-answer input")) {
    const wasFilled = input.type === "radio" || input.type === "checkbox" ? input.checked : input.value !== "";
    if (!wasFilled || !input.name) continue;
    if (input.type === "radio" || input.type === "checkbox") input.checked = false;
    else input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const [first] = field.querySelectorAll(".label-answer input[name]");
  if (first) first.focus();
}

document.addEventListener("input", ({ target }) => {
  if (!target.closest("fieldset.label-field")) return;
  if (target.matches("textarea[data-longest]")) showCount(target);
  else if (target.matches("[data-slider]")) setNumber(target);
  else if (target.matches("input.number")) setRange(target);
  else if (target.matches("[data-filter]")) filterOptions(target);
});

document.addEventListener("click", ({ target }) => {
  // A click on the middle of a slider moves nothing, and chooses the middle.
  if (target.matches("[data-slider]")) setNumber(target);
  const button = target.closest("[data-clear]");
  if (button) clear(fieldOf(button));
});

document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches("[data-filter]")) return;
    event.preventDefault();
    event.stopPropagation();
    chooseFound(event.target);
  },
  { capture: true },
);

// The wheel changes the number of a field that has the focus, while a person scrolls.
document.addEventListener("wheel", ({ target }) => {
  if (target.matches("input.number") && target === document.activeElement) target.blur();
});

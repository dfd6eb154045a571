// Lists of the queues' pages: filter rows, order labels.

// Show the rows whose name holds the text of a filter field; chosen ones stay.
document.addEventListener("input", (event) => {
  const rows = document.getElementById(event.target.dataset.filter ?? "");
  if (!rows) return;
  const text = event.target.value.trim().toLowerCase();
  for (const row of rows.children) {
    const chosen = row.querySelector("input:checked") !== null;
    row.hidden = text !== "" && !chosen && !row.dataset.name.toLowerCase().includes(text);
  }
});

// Enter in a filter field would send the whole form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.dataset?.filter) event.preventDefault();
});

// The order of chosen labels: the number beside each, set by typing it or by the buttons.

const isChosen = (row) => row.querySelector("input[name=label]").checked;
const positionOf = (row) => row.querySelector("input[type=number]");

// The chosen rows by their numbers, those without one last.
function chosenInOrder(rows) {
  const place = (row) => Number(positionOf(row).value) || Infinity;
  const chosen = [...rows.children].filter(isChosen);
  return chosen.sort((one, other) => (place(one) < place(other) ? -1 : Number(place(one) > place(other))));
}

function number(rows, ordered) {
  for (const row of rows.children) positionOf(row).value = isChosen(row) ? ordered.indexOf(row) + 1 : "";
}

for (const rows of document.querySelectorAll("[data-sortable]")) {
  for (const button of rows.querySelectorAll("[data-move]")) button.hidden = false;
  rows.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const row = button.closest("tr");
    const ordered = chosenInOrder(rows);
    const at = ordered.indexOf(row);
    const to = at + (button.dataset.move === "up" ? -1 : 1);
    if (to < 0 || to >= ordered.length) return;
    [ordered[at], ordered[to]] = [ordered[to], ordered[at]];
    number(rows, ordered);
    rows.prepend(...ordered);
    button.focus();
  });
  rows.addEventListener("change", ({ target }) => {
    const row = target.closest("tr");
    const ordered = chosenInOrder(rows);
    if (target === positionOf(row)) {
      ordered.splice(ordered.indexOf(row), 1);
      ordered.splice(Math.max(target.value - 1, 0), 0, row);
    }
    number(rows, ordered);
  });
}

// Lists of the queues' pages: filter rows, move labels.

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

// Number the chosen labels by their rows.
function number(rows) {
  let position = 0;
  for (const row of rows.children) {
    const chosen = row.querySelector("input[name=label]").checked;
    if (chosen) position += 1;
    row.querySelector("input[type=number]").value = chosen ? position : "";
  }
}

for (const rows of document.querySelectorAll("[data-sortable]")) {
  for (const field of rows.querySelectorAll("input[type=number]")) field.hidden = true;
  for (const button of rows.querySelectorAll("[data-move]")) button.hidden = false;
  rows.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const row = button.closest("tr");
    if (button.dataset.move === "up") row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    number(rows);
    button.focus();
  });
  rows.addEventListener("change", (event) => {
    const row = event.target.closest("tr");
    // A required label is one of the queue, and one that is not is not required.
    const [chosen, required] = [row.querySelector("input[name=label]"), row.querySelector("input[name=required]")];
    if (event.target === required && required.checked) chosen.checked = true;
    if (event.target === chosen && !chosen.checked) required.checked = false;
    number(rows);
  });
}

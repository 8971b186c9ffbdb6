document.addEventListener("DOMContentLoaded", () => {
  // On a phone, pages.css shows each row of a table as a block. This names the cells.
  for (const table of document.querySelectorAll("table.docutils")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent);
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].forEach((cell, index) => { cell.dataset.name = names[index] ?? ""; });
    }
  }
  // A long line of code scrolls, by the keyboard too.
  for (const block of document.querySelectorAll("pre")) block.tabIndex = 0;
});

// Sends the request that a button names, and shows the answer whatever it is.
const status = document.getElementById("answer-status");
const body = document.getElementById("answer-body");

async function send(path) {
  try {
    const response = await fetch(path, { headers: { Accept: "application/json" } });
    const answer = await response.json();
    const type = response.headers.get("Content-Type");
    status.textContent = `${path} answered ${response.status}, ${type}`;
    body.textContent = JSON.stringify(answer, null, 2);
    body.hidden = false;
  } catch {
    status.textContent = `${path} gave no answer. Is the app still running?`;
    body.hidden = true;
  }
}

for (const button of document.querySelectorAll("button[data-path]")) {
  button.addEventListener("click", () => send(button.dataset.path));
}

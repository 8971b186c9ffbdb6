// Asks every two seconds which events there are, and shows them. Needs local_times.js.
const list = document.getElementById("events");
const status = document.getElementById("events-status");
const template = document.getElementById("event");
let shown = "";

function itemOf(event) {
  const item = template.content.cloneNode(true);
  for (const part of item.querySelectorAll("[data-name]")) {
    part.textContent = event[part.dataset.name];
  }
  item.querySelector("time").dateTime = event.received_at;
  return item;
}

function show(events) {
  list.replaceChildren(...events.map(itemOf));
  showLocalTimes(list);
  const count = events.length;
  status.textContent = count === 0 ? "None yet." : `${count} event${count === 1 ? "" : "s"}.`;
}

async function refresh() {
  try {
    const response = await fetch(list.dataset.path, { headers: { Accept: "application/json" } });
    if (response.status === 401) {
      status.textContent = "You are logged out. Reload the page to log in.";
      list.replaceChildren();
      return;
    }
    const answer = await response.text();
    if (answer !== shown) {
      show(JSON.parse(answer).events);
      shown = answer;
    }
  } catch {
    status.textContent = "Gatehouse does not answer. Trying again.";
    shown = "";
  }
  setTimeout(refresh, 2000);
}

refresh();

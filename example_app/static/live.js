// Shows times in the visitor's time zone, and keeps the part of a page with data-live up to date.
const INTERVAL = 3000;
const format = new Intl.DateTimeFormat("en-US", {
  day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

function showLocalTimes() {
  for (const time of document.querySelectorAll("time")) {
    time.textContent = format.format(new Date(time.dateTime));
  }
}

async function refresh(part) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-live]").innerHTML;
  // What has focus stays, unless something has changed.
  if (fresh !== part.shown) {
    part.innerHTML = part.shown = fresh;
    showLocalTimes();
  }
}

const part = document.querySelector("[data-live]");
if (part) {
  part.shown = part.innerHTML;
  setInterval(() => document.hidden || refresh(part).catch(() => {}), INTERVAL);
}
showLocalTimes();

// After a logout, Back must not show a protected page that the browser has kept in memory.
addEventListener("pageshow", (event) => event.persisted && location.reload());

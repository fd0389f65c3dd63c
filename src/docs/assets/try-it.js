// Sends the reader's requests from the reference to the gateway that served it.
// The key is kept in this page's memory alone.
const keyField = document.querySelector("#key");
document.querySelector("#key-form").hidden = false;
document.querySelector("#key-form").addEventListener("submit", (event) => event.preventDefault());

for (const form of document.querySelectorAll("form.try")) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.nextElementSibling;
    output.hidden = false;
    output.textContent = "…";
    try {
      output.textContent = await answerTo(form);
    } catch (error) {
      output.textContent = String(error);
    }
    output.focus();
  });
}

async function answerTo(form) {
  const query = new URLSearchParams();
  const headers = {};
  let path = form.dataset.path;
  for (const field of form.querySelectorAll("[data-in]")) {
    if (field.value === "") continue;
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    if (field.dataset.in === "query") query.set(field.name, field.value);
    if (field.dataset.in === "header") headers[field.name] = field.value;
  }
  const key = keyField.value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const asked = query.size > 0 ? `${path}?${query}` : path;
  const response = await fetch(asked, { method: form.dataset.method, headers, body });
  const text = await response.text();
  return `${response.status}\n${pretty(text)}`;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

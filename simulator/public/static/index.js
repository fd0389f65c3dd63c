import { readNumber, recentNumbers, spoken } from "./numbers.js";

const form = document.getElementById("open-phone");
const input = document.getElementById("number");
const help = document.getElementById("number-help");
const recent = document.getElementById("recent-numbers");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const msisdn = readNumber(input.value || input.placeholder);
  if (msisdn) {
    location.href = `/phone/${msisdn}`;
    return;
  }
  form.dataset.wrong = "";
  help.textContent = "That is not a Kenyan mobile number. Try one like 0712 345 678.";
  input.focus();
});

for (const msisdn of recentNumbers()) {
  const link = document.createElement("a");
  link.href = `/phone/${msisdn}`;
  link.textContent = spoken(msisdn);
  recent.append(link);
}
document.getElementById("recent").hidden = recent.childElementCount === 0;

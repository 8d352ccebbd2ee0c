// A button beside everything that is there to be copied. Pages say all without it.
"use strict";

// One place where screen readers are told what happened, there before anything does.
const said = document.createElement("p");
said.className = "unseen";
said.setAttribute("role", "status");

const places = document.querySelectorAll("[data-copy]");
if (places.length) document.body.append(said);

for (const place of places) {
  const code = place.querySelector("code");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${place.dataset.copy}`);
  button.addEventListener("click", async () => {
    const copied = await copy(code);
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    said.textContent = copied ? `Copied ${place.dataset.copy}` : "Selected; press Control C to copy";
    setTimeout(() => {
      button.textContent = "Copy";
      said.textContent = "";
    }, 2000);
  });
  place.append(button);
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    // No clipboard without TLS: select the text, and try the old way.
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}

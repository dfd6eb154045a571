"use strict";

// Pages of earlier releases kept the keys here.
localStorage.removeItem("authorized");

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// Browsers remember the text of fields that do not forbid it.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".auth-container input")) target.autocomplete = "off";
});

const page = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: page,
  url: page.dataset.schema,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  // Keys are lost when the page is closed or loaded again.
  persistAuthorization: false,
  // No description is sent to a validator on the internet.
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});

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

// Browsers restore a page as it was left, keys included, whatever its Cache-Control.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

const page = document.getElementById("swagger-ui");
const exampleIds = JSON.parse(document.getElementById("example-ids").textContent);

// Return the headers of the keys that were entered, or null while one is missing.
function readKeys(entered) {
  if (entered.Bearer) return { Authorization: `Bearer ${entered.Bearer.value}` };
  if (!entered.ApiKey || !entered.SecretKey) return null;
  return { "X-Api-Key": entered.ApiKey.value, "X-Secret-Key": entered.SecretKey.value };
}

// Return pairs of a text of the examples and its replacement, for each kind of row that the organization has.
async function findReplacements(headers) {
  const first = async (path) => {
    const response = await fetch(`${path}${path.includes("?") ? "&" : "?"}page_size=1`, { headers });
    return response.ok ? (await response.json()).results[0] : undefined;
  };
  const [star, categorical, trace, session, score] = await Promise.all([
    first("/model-hub/annotations-labels/?type=star"),
    first("/model-hub/annotations-labels/?type=categorical"),
    first("/model-hub/sources/?source_type=trace"),
    first("/model-hub/sources/?source_type=session"),
    first("/model-hub/scores/?cursor="),
  ]);
  const selected = (option) => `"selected":[${JSON.stringify(option)}]`;
  return [
    [exampleIds.star, star?.id],
    [exampleIds.categorical, categorical?.id],
    [exampleIds.trace, trace?.source_id],
    [exampleIds.source, trace?.id],
    [exampleIds.session, session?.source_id],
    [exampleIds.score, score?.id],
  ]
    .filter(([, id]) => id !== undefined)
    .map(([example, id]) => [JSON.stringify(example), JSON.stringify(id)])
    .concat(categorical ? [[selected("positive"), selected(categorical.settings.options[0].label)]] : []);
}

// Once the keys are entered, the examples name rows of their organization and can be sent as they are.
function fillExamples(system) {
  let original;
  const authorize = (authorizeOriginally) => (payload) => {
    const result = authorizeOriginally(payload);
    const headers = readKeys(system.authSelectors.authorized().toJS());
    if (headers) {
      original ??= JSON.stringify(system.specSelectors.specJson());
      findReplacements(headers).then((pairs) => {
        system.specActions.updateSpec(pairs.reduce((text, [old, wanted]) => text.replaceAll(old, () => wanted), original));
      });
    }
    return result;
  };
  return { statePlugins: { auth: { wrapActions: { authorize } } } };
}

SwaggerUIBundle({
  domNode: page,
  url: page.dataset.schema,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [fillExamples],
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

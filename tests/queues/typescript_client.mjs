// The requests of the TypeScript client through the life of a queue, as contract 1.1 has them measured.
//
// It sends Content-Type also without a body, no body where a method has none, and snake_case. It gives up a request after
// 200 ms and tries three times, except after 401, 403 and 404. Only its pauses, of seconds, are shorter here.
import assert from "node:assert/strict";

const { BASE_URL, API_KEY, SECRET_KEY, ORGANIZATION, WORD, PERSON } = process.env;
const TRIES = 3, TIMEOUT = 200, PAUSE = 20;
const HEADERS = {
  "X-Api-Key": API_KEY,
  "X-Secret-Key": SECRET_KEY,
  "Content-Type": "application/json",
  "User-Agent": "@future-agi/sdk",
};
const FINAL = [401, 403, 404];
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const statistics = { requests: 0, timeouts: 0, lost: 0, rounds: 0 };

class HttpError extends Error {
  constructor(status, text) {
    super(`HTTP ${status}: ${text}`);
    this.status = status;
  }
}

async function send(method, path, body) {
  statistics.requests += 1;
  const options = { method, headers: HEADERS, signal: AbortSignal.timeout(TIMEOUT) };
  const response = await fetch(BASE_URL + path, body === undefined ? options : { ...options, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new HttpError(response.status, text);
  return response.headers.get("Content-Type").startsWith("text/csv") ? text : JSON.parse(text);
}

// One call of the client: up to three tries. Return the answer, and whether an earlier try had lost its answer.
async function call(method, path, body) {
  let repeated = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { answer: await send(method, path, body), repeated };
    } catch (error) {
      const answered = error instanceof HttpError;
      if (!answered) statistics[error.name === "TimeoutError" ? "timeouts" : "lost"] += 1;
      if (attempt === TRIES || FINAL.includes(error.status)) throw Object.assign(error, { repeated });
      repeated ||= !answered;
      await pause(PAUSE * attempt);
    }
  }
}

// Lose the first answer of a write, after it is stored.
async function lose(method, path) {
  const body = { organization: ORGANIZATION, match: { method, path: path.split("?")[0] }, times: 1, then: { drop: "after_commit" } };
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${BASE_URL}/__admin/faults`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(response.status, 201, await response.text());
}

// On a busy machine all tries may time out: the caller calls again, as a person would.
async function patiently(method, path, body) {
  if (ORGANIZATION && method !== "GET") await lose(method, path);
  for (let round = 1, repeated = false; ; round += 1) {
    try {
      const result = await call(method, path, body);
      return { ...result, repeated: repeated || result.repeated };
    } catch (error) {
      repeated ||= error.repeated || !(error instanceof HttpError);
      if (error instanceof HttpError || round === 20) throw Object.assign(error, { repeated });
      statistics.rounds += 1;
      await pause(PAUSE);
    }
  }
}

// The client unwraps `result`.
const unwrap = (answer) => (answer && typeof answer === "object" && "result" in answer ? answer.result : answer);
const get = async (path) => unwrap((await patiently("GET", path)).answer);
const write = async (method, path, body) => unwrap((await patiently(method, path, body)).answer);
const post = (path, body) => write("POST", path, body);

// A create whose answer was lost is refused the second time; the caller looks for the first.
async function create(path, body, find) {
  try {
    return await post(path, body);
  } catch (error) {
    assert.ok(error.repeated && error.status === 409, error.message);
    return await find();
  }
}

// A removal whose answer was lost finds nothing the second time.
async function gone(promise) {
  try {
    return await promise;
  } catch (error) {
    assert.ok(error.repeated && error.status === 404, error.message);
    return {};
  }
}

async function rejects(promise, status, words) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status, error.message);
    assert.ok(JSON.parse(error.message.slice(10)).message.includes(words), error.message);
    return true;
  });
}

const QUEUES = "/model-hub/annotation-queues/", LABELS = "/model-hub/annotations-labels/", SCORES = "/model-hub/scores/";
const ABSENT = "01990000-0000-7000-8000-000000000000";
const byName = (name) => async () => (await get(LABELS)).results.find((label) => label.name === name);
const label = (name, type, settings) => create(LABELS, { name, type, settings }, byName(name));

// createLabel, listLabels, getLabel
const star = await label(`Star ${WORD}`, "star", { no_of_stars: 5 });
const text = await label(`Text ${WORD}`, "text", { placeholder: "", max_length: 100, min_length: 0 });
assert.equal((await get(`${LABELS}${star.id}/`)).name, `Star ${WORD}`);

// create, get, list, update (its CLEAR is null, also for numbers and booleans)
const body = { name: `TS ${WORD}`, description: "d", instructions: "i", assignment_strategy: "manual", annotations_required: 2,
  reservation_timeout_minutes: 5, requires_review: true };
const search = `${QUEUES}?page=1&page_size=20&search=${WORD}&include_counts=true`;
const made = await create(QUEUES, body, async () => (await get(search)).results[0]);
const queue = `${QUEUES}${made.id}/`, items = `${queue}items/`;
assert.deepEqual([made.status, made.annotations_required, made.requires_review], ["draft", 2, true]);
const cleared = await write("PATCH", queue, { description: null, annotations_required: null, requires_review: null, assignment_strategy: null });
assert.deepEqual([cleared.description, cleared.annotations_required, cleared.requires_review], ["", 1, false]);
assert.equal((await get(queue)).instructions, "i");
assert.deepEqual((await get(search)).results.map((one) => one.id), [made.id]);

// addLabel, removeLabel, addItems, listItems, removeItems, assignItems
assert.equal((await post(`${queue}add-label/`, { label_id: star.id })).label.id, star.id);
await post(`${queue}add-label/`, { label_id: text.id });
await gone(post(`${queue}remove-label/`, { label_id: text.id }));
const sources = Array.from({ length: 20 }, (_, number) => ({ source_type: "trace", source_id: `${WORD}-${number}` }));
const added = await post(`${items}add-items/`, { items: sources });
assert.equal(added.added + added.duplicates, 20);
const rows = (await get(`${items}?page=1&page_size=50`)).results;
assert.deepEqual(rows.map((row) => row.source_id), sources.map((source) => source.source_id));
const ids = rows.map((row) => row.id);
await post(`${queue}members/`, { user_id: PERSON, roles: ["annotator"] }); // no method of the client
await post(`${queue}members/`, { user_id: PERSON, roles: ["annotator"] }); // no method of the client
assert.equal((await post(`${items}assign/`, { item_ids: ids.slice(0, 3), user_id: PERSON })).assigned, 3);
assert.equal((await get(`${items}?page=1&page_size=50&assigned_to=${PERSON}`)).results.length, 3);
assert.equal((await post(`${items}assign/`, { item_ids: ids.slice(0, 3), user_id: null })).assigned, 0);
await post(`${items}bulk-remove/`, { item_ids: ids.slice(-2) });

// activate, submitAnnotations, importAnnotations, getAnnotations, completeItem, skipItem (without a body)
await rejects(post(`${items}${ids[0]}/annotations/submit/`, { annotations: [{ label_id: star.id, value: 4 }] }), 400, "active");
assert.equal((await post(`${queue}update-status/`, { status: "active" })).status, "active");
for (const id of ids.slice(0, 4)) {
  const entry = { label_id: star.id, value: 4, score_source: "human" };
  assert.equal((await post(`${items}${id}/annotations/submit/`, { annotations: [entry], notes: "n" })).submitted, 1);
  assert.equal((await post(`${items}${id}/complete/`)).completed_item_id, id);
}
assert.equal((await post(`${items}${ids[4]}/skip/`)).skipped_item_id, ids[4]);
const entry = { label_id: star.id, value: { rating: 2 }, score_source: "imported", notes: "n" };
assert.equal((await post(`${items}${ids[0]}/annotations/import/`, { annotations: [entry], annotator_id: PERSON })).imported, 1);
const scores = await get(`${items}${ids[0]}/annotations/`);
assert.deepEqual(scores.map((score) => score.value.rating).sort(), [2, 4]);

// getProgress, getAnalytics, getAgreement, export, exportToDataset
const progress = await get(`${queue}progress/`);
assert.deepEqual([progress.total, progress.completed, progress.skipped, progress.pending], [18, 4, 1, 13]);
const analytics = await get(`${queue}analytics/`);
assert.deepEqual(analytics.label_distribution[star.id].values, { 2: 1, 4: 4 });
const agreement = await get(`${queue}agreement/`);
assert.deepEqual(agreement.per_label.map((one) => [one.label_id, one.items, one.disagreement_items]), [[star.id, 1, [ids[0]]]]);
assert.equal((await get(`${queue}export/?export_format=json&status=completed`)).length, 4);
assert.equal((await get(`${queue}export/?export_format=csv&status=completed`)).trim().split("\n").length, 6);
const dataset = await create(`${queue}export-to-dataset/`, { dataset_name: `Data ${WORD}`, status_filter: "completed" }, () => null);
assert.ok(dataset === null || dataset.rows_created + dataset.rows_updated === 4);
const [{ id: datasetId }] = (await get(`/model-hub/datasets/?search=${WORD}`)).results;
assert.equal((await get(`/model-hub/datasets/${datasetId}/rows/`)).count, 4, "rows are added once");

// createScore, createScores, getScores
const source = { source_type: "trace", source_id: `${WORD}-0` };
assert.deepEqual((await post(SCORES, { ...source, label_id: star.id, value: 5, score_source: "api" })).value, { rating: 5 });
assert.equal((await post(`${SCORES}bulk/`, { ...source, scores: [{ label_id: star.id, value: 3, score_source: "human" }] })).scores.length, 1);
assert.equal((await get(`${SCORES}for-source/?source_type=trace&source_id=${WORD}-0`)).length, 3);

// Annotation: getLabels, listProjects, logAnnotations
assert.ok((await get("/tracer/get-annotation-labels/")).some((one) => one.id === star.id));
assert.ok(Array.isArray((await get("/tracer/project/list_projects/?page_number=0&page_size=20")).table));
const records = [{ observation_span_id: `${WORD}-span`, annotations: [{ annotation_label_id: star.id, value_float: 4 }], notes: [{ text: "n" }] }];
const logged = await post("/tracer/bulk-annotation/", { records });
assert.equal(logged.annotationsCreated + logged.annotationsUpdated, 1, JSON.stringify(logged));
assert.equal(logged.errorsCount, 0);

// Failures: at once for 404, after three tries for others
await rejects(get(`${QUEUES}${ABSENT}/`), 404, "Queue not found");
await rejects(write("PATCH", queue, { annotations_required: 0 }), 400, "annotations_required must be");

// completeQueue, delete, deleteLabel
assert.equal((await post(`${queue}update-status/`, { status: "completed" })).status, "completed");
assert.notEqual((await gone(write("DELETE", queue))).deleted, false);
assert.deepEqual((await get(search)).results, []);
await gone(write("DELETE", `${LABELS}${star.id}/`));
console.log(JSON.stringify(statistics));

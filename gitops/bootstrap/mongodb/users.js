// Run once, when the database is created: a user for each client, with access to the pipeline's database only.
const pipeline = db.getSiblingDB("pr_sentinel");
for (const [step, role] of Object.entries({
  fetch: "readWrite",
  preprocess: "readWrite",
  monitor: "read",
  serve: "readWrite",
  checks: "read",
})) {
  pipeline.createUser({
    user: step,
    pwd: process.env[`PASSWORD_${step}`],
    roles: [role],
  });
}

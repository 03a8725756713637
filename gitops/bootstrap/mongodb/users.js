// Run once, when the database is made: a user for each that works with it, on the pipeline's database alone.
const pipeline = db.getSiblingDB("pr_sentinel");
for (const [step, role] of Object.entries({
  fetch: "readWrite",
  preprocess: "readWrite",
  serve: "readWrite",
  checks: "read",
})) {
  pipeline.createUser({
    user: step,
    pwd: process.env[`PASSWORD_${step}`],
    roles: [role],
  });
}

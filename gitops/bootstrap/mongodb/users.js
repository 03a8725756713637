// Run once, when the database is made: a user for each step that works with it, on the pipeline's database alone.
const pipeline = db.getSiblingDB("pr_sentinel");
for (const step of ["fetch", "preprocess"]) {
  pipeline.createUser({
    user: step,
    pwd: process.env[`PASSWORD_${step}`],
    roles: ["readWrite"],
  });
}

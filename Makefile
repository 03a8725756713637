# Every command that a person types; `make help` lists them, and each sets up first whatever is missing.
# Without bytecode each of the many processes would compile its packages again, for seconds.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := setup
UV := .tools/uv/bin/uv
READY := .venv/.ready
# Few packages, those of a group in pyproject.toml, are enough for these where nothing is set up yet.
RELEASE_READY := $(or $(wildcard $(READY)),.venv/.release)
INFRA_READY := $(or $(wildcard $(READY)),.venv/.infra)
RUN := .venv/bin/python -m
# In an environment of its own, because it pins other versions of much.
CHECKOV := $(UV) tool run --quiet --python 3.11 --from checkov==3.3.30 checkov
SERVE_PACKAGES := steps/serve/requirements.txt
STAGES := fetch preprocess train register monitor checks
# `prior` writes code, from recorded pull requests that one has to name.
BENCHMARKS := $(filter-out prior,$(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py)))
# Images may have to be built first.
PATIENT := -o faulthandler_timeout=3600
# Modules that share what takes long to make stay in one process; the longest begin first.
SPREAD := -n "$$WORKERS" --dist loadscope --no-loadscope-reorder

# What a caller may set. Recipes read it from their environment ("$$PORT"), so it is never part of a shell's text, and
# make does not expand it: it stays as it was given.
CALLERS := AGAINST ANALYSES BASE COMMIT DIGEST FUZZ_SECONDS GIT_SERVER NUMBER OPTIONS PORT PULLS PYTHON REPOS SEARCH SEED SINCE STATE \
  TESTS URL VERSION WORKERS
came_from = $(filter command environment,$(origin $1))
CALLERS += CLOUD ENVIRONMENT OUTPUTS
keep_literal = $(eval override $1 := $$(value $1))
$(foreach name,$(CALLERS),$(if $(call came_from,$(name)),$(call keep_literal,$(name))))
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(call keep_literal,$(name))))
# Only where no PORT is given.
export MLFLOW_PORT := $(if $(filter undefined,$(origin PORT)),5000)
PORT ?= 3000
PULLS ?= samples
FUZZ_SECONDS ?= 900
PYTHON ?= python3
SINCE ?= origin/staging
STATE ?= .state
URL ?= http://127.0.0.1:$(PORT)
# More than processors: tests wait for services and for disks.
WORKERS ?= 4
export $(CALLERS)

# Packages of another folder or of another Python don't work here; which Python a caller wants, the recipe finds out.
GIVEN := $(filter-out undefined default file,$(firstword $(origin PYTHON)))
ifneq ($(GIVEN)$(shell .ci/environment stale),)
.PHONY: $(READY)
endif

.PHONY: setup help run serve load check image images sbom mlflow test test-slow poison mutants fuzz kills audit coverage pages \
  containers test-cluster drill stages promote verify rollback released status lint render docs reference lock bench clean

setup: $(READY) ## Set everything up (plain `make` does it): uv, then the locked packages

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## Run the pipeline: on samples, or REPOS="owner/name ..." or SEARCH=... with GITHUB_TOKEN; keeps all in STATE=
	@$(RUN) local run --repos="$$REPOS" --search="$$SEARCH" --state="$$STATE"

serve: $(READY) ## Serve the champion on this machine, on port 3000 or PORT=
	@$(RUN) local serve --state="$$STATE" --port="$$PORT"

load: $(READY) ## Load-test the service at URL= for half a minute; fail if it is slow or wrong; limits by LOAD_...
	@$(RUN) locust -f rollouts/checks/load/locustfile.py --headless --loglevel WARNING --host "$$URL"

check: $(READY) ## Run a release's checks on the service at URL=, against the one at AGAINST=; DIGEST= is the expected model
	@test -n "$$AGAINST" || { echo "AGAINST is not set: name the URL of the active service to compare with." >&2; exit 2; }
	@$(RUN) rollouts.checks all "$$URL" --against="$$AGAINST" $${DIGEST:+--digest="$$DIGEST"} --pulls="$$PULLS"

image: $(READY) ## Build the champion's image with Docker; OPTIONS= go to docker build
	@$(RUN) local image --state="$$STATE" -- $$OPTIONS

images: ## Build the images of the steps and the checks with Docker, named by the commit; OPTIONS= go to docker build
	@set -e; tag=$${COMMIT:-$$(git describe --always --dirty)}; \
	version=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml); \
	for step in $(STAGES); do \
	  docker build --file steps/Dockerfile --target "$$step" --tag "pr-sentinel/$$step:$$tag" \
	    --build-arg VERSION="$$version" --build-arg REVISION="$$(git rev-parse HEAD)" $$OPTIONS .; \
	done; \
	docker images --filter "reference=pr-sentinel/*:$$tag" --format 'table {{.Repository}}:{{.Tag}}\t{{.Size}}'

sbom: ## Write an SBOM of each of those images to STATE/sbom; needs syft
	@mkdir -p "$$STATE/sbom"
	@set -e; tag=$${COMMIT:-$$(git describe --always --dirty)}; for step in $(STAGES); do \
	  SYFT_FILE_METADATA_SELECTION=none syft scan --quiet "docker:pr-sentinel/$$step:$$tag" \
	    --output "cyclonedx-json=$$STATE/sbom/$$step.json"; \
	  echo "$$STATE/sbom/$$step.json"; \
	done

mlflow: $(READY) ## Show runs and models in a browser, on port 5000 or PORT=
	@$(RUN) local mlflow --state="$$STATE" --port="$${MLFLOW_PORT:-$$PORT}"

test: $(READY) ## Run the tests, but for those that take long, or TESTS=...; in 4 processes or WORKERS=
	.venv/bin/pytest $(SPREAD) --durations=10 $$TESTS

test-slow: $(READY) ## Run the tests that take long (kills, drills, second runs, executors, load), or TESTS=... of them
	.venv/bin/pytest $(SPREAD) --durations=10 --only-slow $$TESTS

poison: $(READY) ## Rehearse poisoned data: anomalies, one author's thousands, duplicates, slow drift; each is refused or harmless
	.venv/bin/pytest $(PATIENT) -n 0 --slow tests/integration/test_poisoning.py

mutants: $(READY) ## Check that tests notice small changes of what decides: of all, or of what has changed since BASE=
	@$(RUN) tests.mutants --workers="$$WORKERS" --since="$$BASE"

kills: $(READY) ## Kill each step of the pipeline five times at random moments; all must come out the same; SEED= chooses them
	KILLS=5 .venv/bin/pytest $(PATIENT) -n 0 --slow -s tests/integration/test_kill_matrix.py

audit: $(READY) ## Check the locked packages: licences of what ships in images, and known advisories, for which OSV is asked
	@mkdir -p "$$STATE/audit"
	@$(RUN) release licences
	@$(UV) export --frozen --all-groups --no-annotate --no-header --quiet > "$$STATE/audit/locked.txt"
	$(UV) tool run --from pip-audit==2.10.1 pip-audit --vulnerability-service osv --disable-pip --require-hashes \
	  --requirement "$$STATE/audit/locked.txt"

fuzz: $(READY) ## Send the service what strangers may send: by its description, damaged, and for FUZZ_SECONDS= (900) guided by coverage
	.venv/bin/pytest --only-slow tests/integration/serve/test_schema.py tests/unit/test_fuzz_targets.py
	@$(RUN) tests.fuzz -max_total_time="$$FUZZ_SECONDS"

coverage: $(READY) ## Show which branches the tests take, slow ones too, in percent and as pages in STATE/coverage
	.venv/bin/pytest $(SPREAD) --slow --cov --cov-report=term:skip-covered --cov-report=html:"$$STATE/coverage" $$TESTS

.PHONY: monitoring-check
monitoring-check: $(READY) ## Check alerts and dashboards: valid, fire by their cause, silent without it, every metric exported; and draw these in STATE/dashboards; needs Prometheus
	@command -v promtool > /dev/null || { echo "promtool is not on the PATH: it comes with Prometheus." >&2; exit 1; }
	PICTURES="$$STATE/dashboards" .venv/bin/pytest -n 0 --slow tests/unit/test_monitoring_rules.py tests/unit/test_monitoring_dashboards.py tests/integration/serve/test_monitored.py \
	  tests/integration/serve/test_dashboards_drawn.py

pages: $(READY) ## Run the tests of the service's page in Chromium
	.venv/bin/pytest tests/pages

containers: $(READY) ## Run the tests that need Docker; OPTIONS= go to docker build
	.venv/bin/pytest $(PATIENT) tests/containers

test-cluster: $(READY) ## Run the tests that need a cluster, on the one that KUBECONFIG names, or TESTS= of them; OPTIONS= go to docker build
	.venv/bin/pytest $(PATIENT) --durations=10 $${TESTS:-tests/cluster}

drill: $(READY) ## Rehearse a release on that cluster, and back, with Argo CD, which reads from GIT_SERVER=
	@test -n "$$GIT_SERVER" || { echo "GIT_SERVER is not set: name a Git server to push to, from which Argo CD reads." >&2; exit 1; }
	.venv/bin/pytest $(PATIENT) --capture=no tests/cluster/drill

stages: $(READY) ## List the stages whose images have changed since the commit SINCE=
	@$(RUN) release stages --since="$$SINCE" $$OPTIONS

promote: $(RELEASE_READY) ## Open or update the pull request from staging to main with the evidence
	@$(RUN) release promote $${ANALYSES:+--analyses="$$ANALYSES"}

verify: $(RELEASE_READY) ## Verify that the pull request NUMBER= to main is a promotion or a rollback
	@$(RUN) release verify -- "$$NUMBER"

rollback: $(RELEASE_READY) ## Roll back to the model version VERSION=: Rollout, registry, and Git by a pull request
	@test -n "$$VERSION" || { echo "VERSION is not set: name a model version that production has had." >&2; exit 1; }
	@$(RUN) release rollback -- "$$VERSION"

released: $(RELEASE_READY) ## Record the version that production's users get as the registry's alias `production`
	@$(RUN) release released $$OPTIONS

status: $(RELEASE_READY) ## Compare Git, production's Rollout and the registry; fail where they disagree
	@$(RUN) release status

.PHONY: infra-check cluster-settings cluster-secrets
infra-check: $(INFRA_READY) ## Check infra/ without an account: names, types, rules, tests with mocks, format, tflint, and checkov
	@$(RUN) infra check
	@$(CHECKOV) --directory infra --framework terraform --quiet --compact --skip-download

cluster-settings: $(INFRA_READY) ## Write the overlay of ENVIRONMENT= from what CLOUD= has (digitalocean, aws, gcp), or from a file OUTPUTS=
	@$(RUN) infra settings $${OUTPUTS:+--outputs="$$OUTPUTS"} -- "$$CLOUD" "$$ENVIRONMENT"

cluster-secrets: $(INFRA_READY) ## Print the steps' secrets from what CLOUD= has, for gitops/bootstrap/vault/apply.py --secrets -
	@$(RUN) infra secrets $${OUTPUTS:+--outputs="$$OUTPUTS"} -- "$$CLOUD"

lint: $(READY) ## Check style, types, import rules, spelling, YAML, words, names and sizes
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/codespell $$(git ls-files)
	.venv/bin/yamllint --strict $$(git ls-files '*.yml' '*.yaml')
	$(RUN) tests.house_rules

render: $(READY) ## Render the YAML of the workflows and the alerts, and the dashboards
	$(RUN) workflows render
	$(RUN) monitoring

docs: $(READY) ## Build the documentation in .site; fail on a broken link
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs --quiet build --strict

reference: $(READY) ## Write docs/reference from the code
	$(RUN) docs.tools

lock: $(UV) ## Update the packages' versions, for everything and for the Bento
	$(UV) lock
	@echo "# Generated from uv.lock; do not edit: make lock" > $(SERVE_PACKAGES)
	$(UV) export --frozen --only-group serve --no-annotate --no-header --quiet >> $(SERVE_PACKAGES)

bench: $(READY) ## Run the benchmarks, each part against what one would use instead
	@set -e; for benchmark in $(BENCHMARKS); do $(RUN) benchmarks.$$benchmark; done

clean: ## Remove what set-up has installed; results of runs stay
	rm -rf .venv .tools .site .mypy_cache .ruff_cache .pytest_cache

$(READY): $(UV) pyproject.toml uv.lock
	@.ci/environment install $(UV) $(GIVEN)
	@touch $@

.venv/.release .venv/.infra .venv/.image: .venv/.%: $(UV) pyproject.toml uv.lock
	@echo "Installing the packages of $* alone."
	@$(UV) sync --frozen --quiet --inexact --only-group $*
	@touch $@

$(UV): .ci/uv.txt
	@.ci/environment check
	"$$PYTHON" -m venv --clear .tools/uv
	.tools/uv/bin/python -m pip install --quiet --require-hashes -r .ci/uv.txt
	@touch $@

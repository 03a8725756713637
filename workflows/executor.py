"""What Argo's own containers in a step's pod may use: `init`, which hands out the inputs, and `wait`, which reports."""

PATCH = """\
initContainers:
- &own
  name: init
  resources:
    requests: {cpu: 10m, memory: 64Mi}
    limits: {cpu: 500m, memory: 256Mi}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  volumeMounts:
  - {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
containers:
- <<: *own
  name: wait
volumes:
- name: api-token
  projected:
    sources:
    - serviceAccountToken: {path: token, expirationSeconds: 3600}
    - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
    - downwardAPI:
        items:
        - path: namespace
          fieldRef: {fieldPath: metadata.namespace}
"""
"""Bounds, and the API server's token, which these two alone get: no service account mounts its own."""

API_CLIENT = """\
containers:
- name: main
  volumeMounts:
  - {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
"""
"""The same token for a step that is a client of the API server itself."""

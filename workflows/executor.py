"""Patches of a step's pod for Argo's own containers: `init`, which provides the inputs, and `wait`, which reports."""

POD_PATCH = """\
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
"""Resource limits, and the API server's token for these two alone: no service account mounts its token by itself."""

API_CLIENT_PATCH = """\
containers:
- name: main
  volumeMounts:
  - {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
"""
"""The same token for a step that calls the API server itself."""

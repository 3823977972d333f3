{{/* What the container of the proxy is given: variables, mounts, probes. */}}

{{- /* Name and value of the variables that the chart sets itself. */}}
{{- define "spec-forward-proxy.ownVariables" -}}
SFP_ADMIN_HOST: '::'
SFP_ADMIN_PORT: {{ .Values.admin.port | quote }}
SFP_DATA_DIR: /data
SFP_SHUTDOWN_DELAY_IN_S: {{ .Values.shutdownDelaySeconds | quote }}
{{- with .Values.sdkKeys.existingSecret }}
SFP_SDK_KEYS_FILE: /etc/spec-forward-proxy/sdk-keys/{{ $.Values.sdkKeys.key }}
{{- end }}
{{- if eq .Values.sdkKeys.policy "pinned" }}
SFP_SDK_KEYS_POLICY: pinned
{{- end }}
{{- with .Values.sdkKeys.payloads }}
SFP_PINNED_PAYLOADS: {{ join "," . }}
{{- end }}
{{- with .Values.tokens.existingSecret }}
SFP_TOKENS_FILE: /etc/spec-forward-proxy/tokens/{{ $.Values.tokens.key }}
{{- end }}
{{- with .Values.dataKey }}
{{- if .existingSecret }}
SFP_DATA_KEY_FILE: /etc/spec-forward-proxy/data-keys/{{ .key }}
{{- if .encryptBackups }}
SFP_ENCRYPT_BACKUPS: 'true'
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.logEvents }}
{{- if ne .store "auto" }}
SFP_LOG_EVENT_STORE: {{ .store }}
{{- end }}
{{- if .minReplicas }}
SFP_LOG_EVENT_MIN_REPLICAS: {{ .minReplicas | quote }}
{{- end }}
{{- end }}
{{- if .Values.tls.enabled }}
SFP_X509_SERVER_CERT_PATH: /etc/spec-forward-proxy/tls/tls.crt
SFP_X509_SERVER_KEY_PATH: /etc/spec-forward-proxy/tls/tls.key
{{- if ne .Values.tls.clientCertificates "none" }}
SFP_X509_CLIENT_CERT_PATH: /etc/spec-forward-proxy/client-ca/{{ .Values.tls.clientCa.key }}
{{- end }}
{{- if eq .Values.tls.clientCertificates "required" }}
SFP_ENFORCE_MTLS: 'true'
{{- else if .Values.tls.plainToo }}
SFP_ENFORCE_TLS: 'false'
{{- end }}
{{- end }}
{{- with .Values.redis }}
{{- if .host }}
REDIS_ENTERPRISE_HOST: {{ .host | quote }}
REDIS_ENTERPRISE_PORT: {{ .port | quote }}
{{- end }}
{{- if .user }}
REDIS_ENTERPRISE_USER: {{ .user | quote }}
{{- end }}
{{- if .tls }}
REDIS_TLS: 'true'
{{- end }}
{{- if .cluster }}
REDIS_CLUSTER: 'true'
{{- end }}
{{- if .existingSecret }}
SFP_REDIS_PASSWORD_FILE: /etc/spec-forward-proxy/redis/{{ .passwordKey }}
{{- end }}
{{- if .ca.existingSecret }}
REDIS_CA_FILE: /etc/spec-forward-proxy/redis-ca/{{ .ca.key }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Those variables, but for what the user sets, then the user's in SFP's order. Names count in any case. */}}
{{- define "spec-forward-proxy.env" -}}
{{- $taken := dict }}
{{- range $name, $_ := .Values.sfp.environment }}{{ $_ := set $taken (upper $name) true }}{{ end }}
{{- range .Values.sfp.environmentVariables }}{{ $_ := set $taken (upper .name) true }}{{ end }}
{{- range .Values.sfp.secrets }}{{ with .envName }}{{ $_ := set $taken (upper .) true }}{{ end }}{{ end }}
{{- range $name, $value := include "spec-forward-proxy.ownVariables" . | fromYaml }}
{{- if not (hasKey $taken $name) }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.sfp.environment }}
- name: {{ $name }}
  value: {{ if kindIs "float64" $value }}{{ toJson $value | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- with .Values.sfp.environmentVariables }}
{{ toYaml . }}
{{- end }}
{{- range .Values.sfp.secrets }}
{{- if .envName }}
- name: {{ .envName }}
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .secretKey }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Secrets that become folders: name of the volume to the Secret. Folders are followed; a subPath would not be. */}}
{{- define "spec-forward-proxy.secretFolders" -}}
{{- with .Values.sdkKeys.existingSecret }}
sdk-keys: {{ . | quote }}
{{- end }}
{{- with .Values.tokens.existingSecret }}
tokens: {{ . | quote }}
{{- end }}
{{- with .Values.dataKey.existingSecret }}
data-keys: {{ . | quote }}
{{- end }}
{{- if .Values.tls.enabled }}
tls: {{ include "spec-forward-proxy.tlsSecret" . | quote }}
{{- if ne .Values.tls.clientCertificates "none" }}
client-ca: {{ .Values.tls.clientCa.existingSecret | default (include "spec-forward-proxy.tlsSecret" .) | quote }}
{{- end }}
{{- end }}
{{- with .Values.redis.existingSecret }}
redis: {{ . | quote }}
{{- end }}
{{- with .Values.redis.ca.existingSecret }}
redis-ca: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "spec-forward-proxy.volumeMounts" -}}
- name: data
  mountPath: /data
{{- range $name, $_ := include "spec-forward-proxy.secretFolders" . | fromYaml }}
- name: {{ $name }}
  mountPath: /etc/spec-forward-proxy/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- with .Values.sfp.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* 288 is 0440: for root and the group of fsGroup. */}}
{{- define "spec-forward-proxy.volumes" -}}
{{- if not .Values.persistence.enabled }}
- name: data
  emptyDir: {}
{{- end }}
{{- range $name, $secret := include "spec-forward-proxy.secretFolders" . | fromYaml }}
- name: {{ $name }}
  secret:
    secretName: {{ $secret }}
    defaultMode: 288
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- with .Values.sfp.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /*
A probe as it was given, with two changes. The paths of the proxy's own probes go to the admin port where 8000 or its name was
given: it answers the same in each MODE and with any TLS, where 8000 may be closed. A probe of another kind replaces httpGet,
which Helm would leave beside it.
*/}}
{{- define "spec-forward-proxy.probe" -}}
{{- $probe := deepCopy . }}
{{- if or $probe.exec $probe.grpc $probe.tcpSocket }}
{{- $_ := unset $probe "httpGet" }}
{{- end }}
{{- with $probe.httpGet }}
{{- if and (has .path (list "/v1/health" "/v1/ready" "/v1/startup")) (has (toString .port) (list "8000" "http")) }}
{{- $_ := set . "port" "admin" }}
{{- $_ := unset . "scheme" }}
{{- end }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{- /* The container's security context, without fields that only a pod has: SFP's values file suggests fsGroup there. */}}
{{- define "spec-forward-proxy.securityContext" -}}
{{- omit .Values.securityContext "fsGroup" "fsGroupChangePolicy" "supplementalGroups" "sysctls" | toYaml }}
{{- end }}

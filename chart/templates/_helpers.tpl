{{/* Names, labels, and what several templates derive from the values. */}}

{{- define "spec-forward-proxy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The release's name alone where it contains the chart's: short enough for the longest suffix, "-headless". */}}
{{- define "spec-forward-proxy.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 54 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "spec-forward-proxy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "spec-forward-proxy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* commonLabels may replace the chart's own, but for those that the selectors name. */}}
{{- define "spec-forward-proxy.labels" -}}
{{- $selected := include "spec-forward-proxy.selectorLabels" . | fromYaml }}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- $own := dict "helm.sh/chart" $chart "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service }}
{{- merge $selected (.Values.commonLabels | default dict | deepCopy) $own | toYaml }}
{{- end }}

{{- define "spec-forward-proxy.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "spec-forward-proxy.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "spec-forward-proxy.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default (printf "stable-%s" .Chart.AppVersion)) }}
{{- end }}
{{- end }}

{{- /* StatefulSet where each replica has a volume of its own. */}}
{{- define "spec-forward-proxy.kind" -}}
{{- ternary "StatefulSet" "Deployment" .Values.persistence.enabled }}
{{- end }}

{{- /* The operand MODE, wherever it stands among the arguments; nothing where there is none. */}}
{{- define "spec-forward-proxy.mode" -}}
{{- $mode := "" }}
{{- range .Values.sfp.args }}
{{- if and (not $mode) (has . (list "http" "grpc" "grpc-and-http")) }}{{ $mode = . }}{{ end }}
{{- end }}
{{- $mode }}
{{- end }}

{{- define "spec-forward-proxy.servesHttp" -}}
{{- if ne (include "spec-forward-proxy.mode" .) "grpc" }}true{{ end }}
{{- end }}

{{- define "spec-forward-proxy.servesGrpc" -}}
{{- if ne (include "spec-forward-proxy.mode" .) "http" }}true{{ end }}
{{- end }}

{{- define "spec-forward-proxy.servesPlain" -}}
{{- if or (not .Values.tls.enabled) .Values.tls.plainToo }}true{{ end }}
{{- end }}

{{- /*
Ports of the Service and the container, as a YAML list: those of service.ports that somebody listens on with this MODE and TLS,
and those of TLS that service.ports does not name.
*/}}
{{- define "spec-forward-proxy.ports" -}}
{{- $http := include "spec-forward-proxy.servesHttp" . }}
{{- $grpc := include "spec-forward-proxy.servesGrpc" . }}
{{- $plain := include "spec-forward-proxy.servesPlain" . }}
{{- $open := dict "8000" (and $http $plain) "50051" (and $grpc $plain) }}
{{- $ports := list }}
{{- $targets := list }}
{{- range .Values.service.ports }}
{{- $target := .targetPort | default .port | toString }}
{{- $named := dict "http" "8000" "grpc" "50051" }}
{{- $number := get $named $target | default $target }}
{{- if or (not (hasKey $open $number)) (get $open $number) }}
{{- $ports = append $ports . }}
{{- $targets = append $targets $target }}
{{- end }}
{{- end }}
{{- if .Values.tls.enabled }}
{{- if and $http (not (has "8443" $targets)) }}{{ $ports = append $ports (dict "name" "https" "port" 8443) }}{{ end }}
{{- if and $grpc (not (has "50052" $targets)) }}{{ $ports = append $ports (dict "name" "grpc-tls" "port" 50052) }}{{ end }}
{{- end }}
{{- $ports | toYaml }}
{{- end }}

{{- define "spec-forward-proxy.servicePorts" -}}
{{- range include "spec-forward-proxy.ports" . | fromYamlArray }}
- name: {{ .name }}
  port: {{ .port }}
  targetPort: {{ .targetPort | default .port }}
  protocol: {{ .protocol | default "TCP" }}
  {{- with .nodePort }}
  nodePort: {{ . }}
  {{- end }}
  {{- if .appProtocol }}
  appProtocol: {{ .appProtocol }}
  {{- else if eq (.targetPort | default .port | toString) "50051" }}
  appProtocol: kubernetes.io/h2c
  {{- end }}
{{- end }}
{{- end }}

{{- define "spec-forward-proxy.containerPorts" -}}
{{- range include "spec-forward-proxy.ports" . | fromYamlArray }}
{{- if not (kindIs "string" .targetPort) }}
- name: {{ .name }}
  containerPort: {{ .targetPort | default .port }}
  protocol: {{ .protocol | default "TCP" }}
{{- else if has .targetPort (list "http" "grpc") }}
- name: {{ .targetPort }}
  containerPort: {{ ternary 8000 50051 (eq .targetPort "http") }}
  protocol: {{ .protocol | default "TCP" }}
{{- end }}
{{- end }}
- name: admin
  containerPort: {{ .Values.admin.port }}
  protocol: TCP
{{- end }}

{{- define "spec-forward-proxy.tlsSecret" -}}
{{- if .Values.tls.existingSecret }}
{{- .Values.tls.existingSecret }}
{{- else if .Values.tls.certManager.enabled }}
{{- printf "%s-tls" (include "spec-forward-proxy.fullname" .) }}
{{- else }}
{{- fail "tls.enabled needs a certificate: set tls.existingSecret, or tls.certManager.enabled" }}
{{- end }}
{{- end }}

{{- /* The port that a route or an ingress leads to where it names none. */}}
{{- define "spec-forward-proxy.firstPort" -}}
{{- $ports := include "spec-forward-proxy.ports" . | fromYamlArray }}
{{- if not $ports }}{{ fail "service.ports has no port that is open with this MODE and TLS" }}{{ end }}
{{- (index $ports 0).name }}
{{- end }}

{{- /* Number of the port of gRPC in the Service: without TLS where it is open. */}}
{{- define "spec-forward-proxy.grpcPort" -}}
{{- $found := "" }}
{{- $wanted := ternary (list "50051" "grpc") (list "50052" "grpc-tls") (eq (include "spec-forward-proxy.servesPlain" .) "true") }}
{{- range include "spec-forward-proxy.ports" . | fromYamlArray }}
{{- if and (not $found) (has (.targetPort | default .port | toString) $wanted) }}{{ $found = toString .port }}{{ end }}
{{- end }}
{{- $found }}
{{- end }}

{{- define "spec-forward-proxy.httpPort" -}}
{{- $found := "" }}
{{- $wanted := ternary (list "8000" "http") (list "8443" "https") (eq (include "spec-forward-proxy.servesPlain" .) "true") }}
{{- range include "spec-forward-proxy.ports" . | fromYamlArray }}
{{- if and (not $found) (has (.targetPort | default .port | toString) $wanted) }}{{ $found = toString .port }}{{ end }}
{{- end }}
{{- $found }}
{{- end }}

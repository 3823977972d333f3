{{/* The pod, for whichever kind of workload. */}}

{{- define "spec-forward-proxy.pod" -}}
metadata:
  {{- with .Values.pod.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  labels:
    {{- $selected := include "spec-forward-proxy.selectorLabels" . | fromYaml }}
    {{- $common := include "spec-forward-proxy.labels" . | fromYaml }}
    {{- merge $selected (.Values.pod.labels | default dict | deepCopy) $common | toYaml | nindent 4 }}
spec:
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "spec-forward-proxy.serviceAccountName" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
  {{- with .Values.pod.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pod.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.pod.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pod.dnsPolicy }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with .Values.pod.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pod.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .Chart.Name }}
      {{- with include "spec-forward-proxy.securityContext" . }}
      securityContext:
        {{- . | nindent 8 }}
      {{- end }}
      image: {{ include "spec-forward-proxy.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      {{- with .Values.sfp.args }}
      args:
        {{- range . }}
        - {{ if kindIs "float64" . }}{{ toJson . | quote }}{{ else }}{{ toString . | quote }}{{ end }}
        {{- end }}
      {{- end }}
      ports:
        {{- include "spec-forward-proxy.containerPorts" . | trim | nindent 8 }}
      {{- range $name := list "livenessProbe" "readinessProbe" "startupProbe" }}
      {{- with get $.Values.sfp $name }}
      {{ $name }}:
        {{- include "spec-forward-proxy.probe" . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- with .Values.sfp.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      env:
        {{- include "spec-forward-proxy.env" . | trim | nindent 8 }}
      {{- with .Values.sfp.envFromSecret }}
      envFrom:
        - secretRef:
            name: {{ . }}
      {{- end }}
      volumeMounts:
        {{- include "spec-forward-proxy.volumeMounts" . | trim | nindent 8 }}
    {{- with .Values.pod.extraContainers }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  {{- with include "spec-forward-proxy.volumes" . | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.pod.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    {{- $own := dict "labelSelector" (dict "matchLabels" (include "spec-forward-proxy.selectorLabels" $ | fromYaml)) }}
    {{- list (ternary . (merge (deepCopy .) $own) (hasKey . "labelSelector")) | toYaml | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- end }}

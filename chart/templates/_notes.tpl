{{/* What helm prints after an installation. */}}

{{- define "spec-forward-proxy.notes" -}}
{{- $fullname := include "spec-forward-proxy.fullname" . -}}
{{- $http := include "spec-forward-proxy.httpPort" . -}}
{{- $grpc := include "spec-forward-proxy.grpcPort" . -}}
{{- $plain := include "spec-forward-proxy.servesPlain" . -}}
{{- with $http }}
HTTP:  {{ ternary "http" "https" (eq $plain "true") }}://{{ $fullname }}.{{ $.Release.Namespace }}.svc:{{ . }}/v1
{{- end }}
{{- with $grpc }}
gRPC:  {{ $fullname }}.{{ $.Release.Namespace }}.svc:{{ . }}{{ if ne $plain "true" }} (TLS){{ end }}
{{- end }}

Check it:  helm test {{ .Release.Name }} --namespace {{ .Release.Namespace }}
{{- $context := list }}
{{- range list "fsGroup" "fsGroupChangePolicy" "supplementalGroups" "sysctls" }}
{{- if hasKey $.Values.securityContext . }}{{ $context = append $context . }}{{ end }}
{{- end }}
{{- with $context }}

Left out: {{ join ", " . }} of securityContext. Only pods have it: set it in pod.securityContext.
{{- end }}
{{- if and .Values.pod.pdb.enabled (not (has (toString .Values.pod.pdb.minAvailable) (list "" "<nil>"))) (not (has (toString .Values.pod.pdb.maxUnavailable) (list "" "<nil>"))) }}

Left out: pod.pdb.minAvailable. A budget takes one of the two, and maxUnavailable is set.
{{- end }}
{{- if and .Values.redis.host (not (has "redis" .Values.sfp.args)) }}

Not used: redis.host. The CACHE in sfp.args is not redis.
{{- end }}
{{- if and .Values.autoscaling.enabled (not (dig "requests" false .Values.resources)) }}

Autoscaling by CPU or memory needs resources.requests.
{{- end }}
{{- if and .Values.prometheusRule.enabled (not .Values.serviceMonitor.enabled) }}

The alert for replicas that are down looks for the job {{ .Release.Namespace }}/{{ $fullname }}, which serviceMonitor.enabled makes.
{{- end }}
{{- if and (not .Values.tls.enabled) (or (has "--x509-server-cert-path" .Values.sfp.args) (hasKey .Values.sfp.environment "SFP_X509_SERVER_CERT_PATH")) }}

With a certificate, 8000 and 50051 stay closed unless --enforce-tls false is given. service.ports needs 8443 and 50052.
{{- end }}
{{- end }}

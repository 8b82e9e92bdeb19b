{{- define "gatepost.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "gatepost.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "gatepost.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gatepost.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gatepost.serviceAccountName" -}}
{{- default (include "gatepost.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "gatepost.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gatepost.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gatepost.labels" -}}
{{ include "gatepost.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "gatepost.metadata" -}}
name: {{ include "gatepost.fullname" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "gatepost.labels" . | nindent 2 }}
{{- end }}

{{- define "gatepost.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{- /* gateway.yaml: config, and what must agree with the other objects. */ -}}
{{- define "gatepost.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $server := default (dict) $config.server }}
{{- $timeouts := default (dict) $server.timeouts }}
{{- if hasKey $config "management" }}{{ fail "config.management: the chart sets it; use listen.management" }}{{ end }}
{{- range list "listen" "state_dir" }}
{{- if hasKey $server . }}{{ fail (printf "config.server.%s: the chart sets it; see listen" .) }}{{ end }}
{{- end }}
{{- range list "drain" "shutdown_delay" }}
{{- if hasKey $timeouts . }}{{ fail (printf "config.server.timeouts.%s: the chart sets it; use shutdown" .) }}{{ end }}
{{- end }}
{{- if eq "embedded" (default "embedded" (default (dict) $config.store).url) }}
{{- fail "config.store.url: pods need a Redis that they share; the embedded store would be lost with its pod" }}
{{- end }}
{{- $listen := .Values.listen }}
{{- $listeners := list (dict "host" $listen.host "port" ($listen.http.port | int)) }}
{{- if $listen.https.enabled }}
{{- if not $listen.https.existingSecret }}{{ fail "listen.https.existingSecret: name the Secret with the certificate" }}{{ end }}
{{- $tls := dict "certificate" "/srv/gatepost/tls/tls.crt" "key" "/srv/gatepost/tls/tls.key" }}
{{- $listeners = append $listeners (dict "host" $listen.host "port" ($listen.https.port | int) "tls" $tls) }}
{{- end }}
{{- $shutdown := .Values.shutdown }}
{{- $_ := set $timeouts "drain" (printf "%ds" ($shutdown.drainSeconds | int)) }}
{{- $_ := set $timeouts "shutdown_delay" (printf "%ds" ($shutdown.delaySeconds | int)) }}
{{- $_ := set $server "timeouts" $timeouts }}
{{- $_ := set $server "listen" $listeners }}
{{- $_ := set $server "state_dir" "/srv/gatepost/.gatepost" }}
{{- $_ := set $config "server" $server }}
{{- $_ := set $config "management" (dict "host" $listen.host "port" ($listen.management.port | int)) }}
{{- toYaml $config }}
{{- end }}

{{- /* The name of everything; called first by every template. */ -}}
{{- define "dask-operator.name" -}}
{{- if not (.Files.Get "files/roles.json") -}}
{{- fail "this folder is the source of the chart, with no operator in it: `npm run build` makes the whole chart in dist/chart" -}}
{{- end -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}{{ .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "dask-operator.labels" -}}
app.kubernetes.io/name: dask-operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: dask-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dask-operator.selector" -}}
app.kubernetes.io/name: dask-operator
app.kubernetes.io/component: operator
{{- end -}}

{{- define "dask-operator.account" -}}
{{- if .Values.serviceAccount.create -}}{{ default (include "dask-operator.name" .) .Values.serviceAccount.name }}
{{- else -}}{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- /* The namespaces that it serves, as JSON; what values of the Python operator's chart say of it counts too. */ -}}
{{- define "dask-operator.namespaces" -}}
{{- $names := .Values.watchNamespaces -}}
{{- range .Values.kopfArgs -}}{{- if hasPrefix "--namespace=" . -}}{{- $names = append $names (trimPrefix "--namespace=" .) -}}{{- end -}}{{- end -}}
{{- if and (not $names) (eq (toString (dig "cluster" true .Values.rbac)) "false") -}}{{- $names = list .Release.Namespace -}}{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

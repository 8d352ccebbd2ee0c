"""The Simple Repository API 1.4: values in, text out; no clock, no request, no settings."""

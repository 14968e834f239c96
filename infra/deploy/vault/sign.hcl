# Signing manifests and the log with the foundation's Ed25519 key, and showing its public half.

path "sluice-sign/sign/sluice" {
  capabilities = ["create", "update"]
}
path "sluice-sign/keys/sluice" {
  capabilities = ["read"]
}

# Its own token. The roles are made without Vault's default policy.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}

# The serving process: opens the file keys of deliveries, and nothing else. It faces the internet.

path "sluice-delivery/decrypt/+" {
  capabilities = ["update"]
}

# Tells a destroyed key from a damaged file key. Key material is never shown here.
path "sluice-delivery/keys/+" {
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

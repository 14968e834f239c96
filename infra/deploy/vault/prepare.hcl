# Import and preparing: makes keys, wraps and opens the file keys of the archive, and wraps them under the keys of
# deliveries. It cannot open what it wrapped there, and cannot delete.

path "sluice-archive/keys/+" {
  capabilities       = ["create", "update", "read"]
  allowed_parameters = {
    "type"    = ["aes256-gcm96", "chacha20-poly1305"]
    "derived" = [true]
  }
}
path "sluice-delivery/keys/+" {
  capabilities       = ["create", "update", "read"]
  allowed_parameters = {
    "type"    = ["aes256-gcm96", "chacha20-poly1305"]
    "derived" = [true]
  }
}

# Update only: with create, encrypting under a destroyed name would quietly make a new key.
path "sluice-archive/encrypt/+" {
  capabilities = ["update"]
}
path "sluice-archive/decrypt/+" {
  capabilities = ["update"]
}
path "sluice-delivery/encrypt/+" {
  capabilities = ["update"]
}

# Whether disable_upsert is set, for sluiced doctor.
path "sluice-archive/config/keys" {
  capabilities = ["read"]
}
path "sluice-delivery/config/keys" {
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

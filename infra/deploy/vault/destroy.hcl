# Ending deliveries: removes their keys, and looks whether a key is there. It can open nothing, and cannot delete the
# key of a dataset.

path "sluice-delivery/keys/+" {
  capabilities = ["read", "delete"]
}
path "sluice-delivery/keys/+/config" {
  capabilities       = ["create", "update"]
  allowed_parameters = {
    "deletion_allowed" = [true]
  }
}
path "sluice-archive/keys/+" {
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

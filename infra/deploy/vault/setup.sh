#!/bin/sh
# Prepares a Vault or OpenBao for Sluice: three transit mounts, the signing key, and for each role a policy and an AppRole
# role, whose role id and secret id it writes to a folder. Run it once a machine, as somebody who may do all of that
# (VAULT_ADDR and VAULT_TOKEN set). Running it again mends what differs, makes no key anew, and draws new secret ids.
#
#   CIDRS=10.1.2.0/28 ./setup.sh FOLDER [role ...]
#
# Roles: serve prepare destroy sign; all four when none is named. Name those that the machine is to play.
#
#   CIDRS    addresses from which secret ids and tokens may be used, with commas between; required
#   PREFIX   the mounts are PREFIX-archive, PREFIX-delivery, PREFIX-sign (sluice)
#   APPROLE  where the AppRole method is mounted (approle)
#   SIGN_KEY the name of the signing key (sluice)
#   VAULT    the command: vault, or bao for OpenBao (vault)
set -eu

vault=${VAULT:-vault}
prefix=${PREFIX:-sluice}
approle=${APPROLE:-approle}
sign_key=${SIGN_KEY:-sluice}
here=$(dirname "$0")

if [ $# -lt 1 ] || [ -z "${CIDRS:-}" ]; then
  sed -n '2,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
fi
out=$1
shift
[ $# -gt 0 ] || set -- serve prepare destroy sign
for role in "$@"; do
  case $role in
  serve | prepare | destroy | sign) ;;
  *)
    echo "setup.sh: no role is called $role; choose from serve prepare destroy sign" >&2
    exit 2
    ;;
  esac
done

mounts=$("$vault" secrets list -format=json)
for mount in archive delivery sign; do
  case $mounts in
  *"\"$prefix-$mount/\""*) ;;
  *) "$vault" secrets enable -path="$prefix-$mount" transit ;;
  esac
  # Without this, encrypting under a destroyed name would make a new key for whoever may create.
  "$vault" write "$prefix-$mount/config/keys" disable_upsert=true
done
"$vault" write "$prefix-sign/keys/$sign_key" type=ed25519

methods=$("$vault" auth list -format=json)
case $methods in
*"\"$approle/\""*) ;;
*) "$vault" auth enable -path="$approle" approle ;;
esac

for role in "$@"; do
  sed -e "s#\"sluice-sign/\(sign\|keys\)/sluice\"#\"$prefix-sign/\1/$sign_key\"#" -e "s#\"sluice-#\"$prefix-#" "$here/$role.hcl" |
    "$vault" policy write "$prefix-$role" -
  # A secret id may be used any number of times: when a token has reached its end, Sluice logs in again by itself.
  "$vault" write "auth/$approle/role/$prefix-$role" \
    token_policies="$prefix-$role" token_no_default_policy=true token_ttl=1h token_max_ttl=24h \
    secret_id_num_uses=0 secret_id_ttl=0 secret_id_bound_cidrs="$CIDRS" token_bound_cidrs="$CIDRS"
done

umask 077
mkdir -p "$out"
for role in "$@"; do
  "$vault" read -field=role_id "auth/$approle/role/$prefix-$role/role-id" >"$out/$role.role-id"
  "$vault" write -f -field=secret_id "auth/$approle/role/$prefix-$role/secret-id" >"$out/$role.secret-id"
done
echo "role ids and secret ids are in $out; check with: sluiced doctor"

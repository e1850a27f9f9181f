#!/bin/sh
# Writes the settings into the configuration and becomes nginx. The image's own templates would need /etc/nginx/conf.d writable
# for an unprivileged user, which engines before 23 cannot give on a read-only root filesystem.
set -eu
names='$LIMITE_COMERCIANTE_POR_S $LIMITE_COMERCIANTE_RAJADA $LIMITE_ENDERECO_POR_S $LIMITE_ENDERECO_RAJADA $LIMITE_ENDERECO_CONEXOES $LIMITE_RASTREIO_POR_S $LIMITE_RASTREIO_RAJADA'
envsubst "$names" </etc/nginx/fluxo/limits.conf.template >/tmp/limits.conf
exec nginx -g 'daemon off;'

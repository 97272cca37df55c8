# shellcheck shell=bash
# A CA and the certificates of a broker and of a load, in the working directory: ca.crt, broker.{crt,key}, dev.{crt,key}. Sourced by the other scripts.
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 2 -subj "/CN=bench root" -out ca.crt -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" 2>/dev/null
for name in broker dev; do
  openssl ecparam -name prime256v1 -genkey -noout -out $name.key
  openssl req -new -key $name.key -subj "/CN=$name" -out $name.csr 2>/dev/null
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nkeyUsage=critical,digitalSignature\n' > ext
  openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $name.crt 2>/dev/null
done

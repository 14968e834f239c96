# Build with: docker build -t sluice .
# The image holds one static program, the certificates of public authorities, and nothing else: no shell, no package
# manager, no user of a name. Zones and texts are in the program.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /sluiced ./cmd/sluiced \
 && mkdir -p /empty/state && chmod 0770 /empty/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /sluiced /sluiced
# Mount what must last here: settings and secrets under /etc/sluice, the journal of stops under /var/lib/sluice.
COPY --from=build --chown=65532:65532 /empty/state /var/lib/sluice
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/sluiced"]
CMD ["serve", "--config", "/etc/sluice/sluice.yaml"]

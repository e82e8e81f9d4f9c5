FROM golang:1.26 AS build
WORKDIR /src
ENV GOWORK=off
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION= COMMIT=
RUN CGO_ENABLED=0 go build -trimpath \
      -ldflags "-s -w -X rollcall/internal/cli.version=$VERSION -X rollcall/internal/cli.commit=$COMMIT" -o /rollcall . \
 && mkdir /data && chown 65532:65532 /data

# Nothing but the binary, the certificates that Discord's are checked against,
# and a folder for the data that the non-root user owns.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /rollcall /rollcall
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
WORKDIR /data
ENV ROLLCALL_DB=/data/rollcall.db \
    ROLLCALL_LOGS=/data/logs
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/rollcall", "health"]
ENTRYPOINT ["/rollcall"]
CMD ["run"]

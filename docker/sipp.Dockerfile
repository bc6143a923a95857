# SIPp, as the carrier that calls and as the phone that answers.
FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends sip-tester \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10002 --create-home sipp
COPY docker/carrier.xml /scenarios/
USER 10002
WORKDIR /home/sipp
ENV TERM=dumb
ENTRYPOINT ["sipp"]

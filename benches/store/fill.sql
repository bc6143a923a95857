-- Fills an empty database with MANY calls of two years, as a busy place has them: few sources with
-- most of the calls, many callers with few. What looks random is the number of the call, mixed.
-- Statements end with a semicolon at the end of a line. MANY is replaced. Both databases read it.

INSERT INTO records
WITH RECURSIVE
    counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < MANY),
    mixed AS (
        SELECT n,
            (n * 2654435761 % 4294967291) / 7 AS a,
            (n * 2246822519 % 4294967279) / 11 AS b,
            (n * 3266489917 % 4294967231) / 13 AS c
        FROM counted
    ),
    ended AS (
        SELECT *, CASE
            WHEN a % 100 < 62 THEN 'answered' WHEN a % 100 < 80 THEN 'no_answer'
            WHEN a % 100 < 88 THEN 'abandoned' WHEN a % 100 < 93 THEN 'busy'
            WHEN a % 100 < 96 THEN 'voicemail' WHEN a % 100 < 98 THEN 'failed'
            WHEN a % 100 < 99 THEN 'declined' ELSE 'invalid_number' END AS outcome
        FROM mixed
    )
SELECT n, 'call-' || n, 'main', 1700000000000000 + n * (63072000000000 / MANY), outcome,
    '+1' || (8005550000 + (b % 500) * (c % 500) / 500),
    '+1' || (2000000000 + (c % 3000000) * 2663),
    '+1' || (3105550000 + a % 300),
    'source ' || ((b % 20) * (a % 20) / 20),
    CASE WHEN outcome = 'answered' THEN 'agent ' || (c % 60) ELSE '' END,
    CASE WHEN b % 10 = 0 THEN 'tag of ' || (c % 40) ELSE '' END,
    CASE WHEN c % 100 < 94 THEN 'inbound' WHEN c % 100 < 99 THEN 'outbound' ELSE 'internal' END,
    CASE WHEN outcome = 'answered' AND b % 10 < 7 THEN 1 ELSE 0 END,
    CASE WHEN outcome = 'answered' THEN a % 600000 ELSE 0 END,
    CASE WHEN outcome = 'answered' THEN b % 30000 ELSE 0 END,
    CASE WHEN c % 4 = 0 THEN a % 60000 ELSE 0 END
FROM ended;

INSERT INTO bodies
SELECT place, '{"id":"' || id || '","state":"ended","tracking_number":"' || tracking_number
    || '","direction":"' || direction || '","source":"' || source || '","caller":"' || caller
    || '","caller_name":null,"path":[{"at":' || received_at || ',"what":"tracking number '
    || tracking_number || '"},{"at":' || received_at || ',"what":"dial front desk, sales, night"}],'
    || '"legs":[{"leg":1,"destination":"' || destinations || '","dialled_at":' || received_at
    || ',"ringing_at":' || received_at || ',"answered_at":null,"symbols":[{"position":1,"wait":'
    || 'false,"at":1},{"position":2,"wait":true,"at":2},{"position":3,"wait":false,"at":3}],'
    || '"voice_after_ms":null,"answered_by":null,"whisper_at":null,"accepted_at":null,'
    || '"connected_at":null,"ended_at":null,"outcome":null,"cause":{"sip":200,"q850":16,"reason":'
    || '"normal","local":false},"quality":{"packets_received":3000,"packets_sent":3000,'
    || '"packets_lost":0,"jitter_ms":1.5,"remote_lost":0,"remote_jitter_ms":2.0,"round_trip_ms":'
    || '20.0}}],"received_at":' || received_at || ',"answered_at":null,"connected_at":null,'
    || '"ended_at":null,"ring_ms":' || ring_ms || ',"wait_ms":' || wait_ms || ',"talk_ms":'
    || talk_ms || ',"cause":{"sip":200,"q850":16,"reason":"normal","local":false},'
    || '"recordings":[],"caller_quality":null,"agent":null,"lead_owner":null,"source_tag":"'
    || source_tag || '","tags":[],"score":null}'
FROM records;

INSERT INTO numbers
SELECT it.number, received_at, place,
    substr(it.number, 12, 1) || substr(it.number, 11, 1) || substr(it.number, 10, 1)
    || substr(it.number, 9, 1) || substr(it.number, 8, 1) || substr(it.number, 7, 1)
    || substr(it.number, 6, 1) || substr(it.number, 5, 1) || substr(it.number, 4, 1)
    || substr(it.number, 3, 1) || substr(it.number, 2, 1) || substr(it.number, 1, 1), roles
FROM (
    SELECT caller AS number, received_at, place, 1 AS roles FROM records
    UNION ALL SELECT tracking_number, received_at, place, 2 FROM records
    UNION ALL SELECT destinations, received_at, place, 4 FROM records
) AS it WHERE true ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;

INSERT INTO tags
SELECT * FROM (
    SELECT 'tag ' || (place % 25) AS tag, received_at, place FROM records WHERE place % 10 < 3
    UNION ALL SELECT 'hot', received_at, place FROM records WHERE place % 20 = 0
    UNION ALL SELECT 'rare', received_at, place FROM records WHERE place % 1000 = 7
) AS it ORDER BY 1, 2, 3;

INSERT INTO hours
SELECT what, hour, name, count(*), sum(CASE outcome WHEN 'answered' THEN 1 ELSE 0 END),
    sum(CASE outcome WHEN 'abandoned' THEN 1 ELSE 0 END), sum(talk_ms), sum(ring_ms), sum(wait_ms),
    sum(CASE WHEN wait_ms > 0 THEN 1 ELSE 0 END)
FROM (
    SELECT 0 AS what, received_at / 3600000000 AS hour, '' AS name, * FROM records
    UNION ALL SELECT 1, received_at / 3600000000, source, * FROM records
    UNION ALL SELECT 2, received_at / 3600000000, tracking_number, * FROM records
    UNION ALL SELECT 3, received_at / 3600000000, agent, * FROM records
    UNION ALL SELECT 4, received_at / 3600000000, outcome, * FROM records
) AS it GROUP BY what, hour, name;

"""DuckDB on one thread: batch SQL over the whole file or table, the limit of what is possible without event time and state.

The fresh start after each match is a walk over the candidates of a user (`list_reduce`): each names the place `needs` that must
lie after the last match. No waiting, no lateness, no state to keep: a batch is not a stream.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import peer

W1 = "select count(*) from e where type = 'sensor' and speed > 95"
AFRESH = """
, walked as (select list_reduce(list(struct_pack(n := n, needs := needs, found := 1) order by n),
    lambda a, b: case when b.needs > a.n then struct_pack(n := b.n, needs := 0::bigint, found := a.found + 1) else a end) as w
  from candidates group by user_)
select coalesce(sum(w.found), 0) from walked"""
# Five readings in ten minutes: the fourth before this one is near enough, and lies after the last match.
W2 = f"""
with r as (select user_, ts, row_number() over w as n, lag(ts, 4) over w as first
  from e where type = 'sensor' and speed > 80 window w as (partition by user_ order by ts)),
candidates as (select user_, n, n - 4 as needs from r where ts - first <= 600000){AFRESH}"""
# Failures are numbered: the third last before this success is near enough, and lies after the last match.
W3 = f"""
with r as (select user_, ts, type = 'login_ok' as ok, row_number() over w as n, sum((type = 'login_failed')::bigint) over w as k
  from e where type in ('login_failed', 'login_ok') window w as (partition by user_ order by ts)),
candidates as (select o.user_, o.n, f.n as needs from r o join r f on f.user_ = o.user_ and f.k = o.k - 2 and not f.ok
  where o.ok and f.ts >= o.ts - 300000){AFRESH}"""
W4 = f"""
with r as (select user_, ts, amount, country, row_number() over (partition by user_ order by ts) as n
  from e where type = 'purchase' and amount > 100),
candidates as (select b.user_, b.n, max(a.n) as needs from r a join r b on a.user_ = b.user_ and a.n < b.n
  where a.ts >= b.ts - 600000 and b.amount > 3 * a.amount and b.country <> a.country group by b.user_, b.n){AFRESH}"""
W5 = """
with r as (select ts, type, min(case when type = 'sensor' then ts end)
    over (partition by user_ order by ts rows between 1 following and unbounded following) as seen
  from e where type in ('purchase', 'sensor'))
select count(*) from r where type = 'purchase'
  and case when seen is null then ts + 60000 <= (select max(ts) from e) else seen > ts + 60000 end"""
QUERIES = {"W1": W1, "W2": W2, "W3": W3, "W4": W4, "W5": W5}
COLUMNS = "{ts: 'BIGINT', type: 'VARCHAR', user: 'VARCHAR', speed: 'DOUBLE', amount: 'DOUBLE', country: 'VARCHAR'}"
FIELDS = 'ts, type, "user" as user_, speed, amount, country'


def main(workload: str, path: str, source: str) -> None:
    database = duckdb.connect()
    database.execute("set threads = 1")
    if source == "arrow":
        import pyarrow

        table = pyarrow.Table.from_pylist(peer.events(Path(path)))
        database.register("t", table)
        database.execute(f"create view e as select {FIELDS} from t")
    else:
        read = f"read_json('{path}', format = 'newline_delimited', columns = {COLUMNS})"
        database.execute(f"create view e as select {FIELDS} from {read}")

    def once() -> list[int]:
        row = database.execute(QUERIES[workload]).fetchone()
        assert row is not None
        return [int(row[0])]

    peer.serve(once)


if __name__ == "__main__":
    main(*sys.argv[1:])

using Signet.Bench;

// auth: the endpoints for other brokers beside one that does nothing, and log-ins that come all at once.  decisions: the access policy alone.  serve: a bare broker to point any load at.  micro: what the broker itself costs, without sockets.  audit: the log against the bare database.  load: a load generator for any broker.  pages: the console over a full house.  wire: messages against bare primitives.  roundtrip: a command to its receipt against a plain request.  device: size, start and memory of a device's program.  soak: a day of a whole house in minutes.  restarts: what storms leave behind in memory.  fleet: what a device costs its center.  start: an empty and a full house until ready.  databases: SQLite beside PostgreSQL.
return args switch
{
    ["auth", .. var rest] when rest.Contains("--logins") => await LoginBench.RunAsync(Arguments.Parse(rest)),
    ["auth", .. var rest] => await AuthBench.RunAsync(Arguments.Parse(rest)),
    ["decisions", .. var rest] => DecisionBench.Run(Arguments.Parse(rest)),
    ["audit", .. var rest] => await AuditBench.RunAsync(Arguments.Parse(rest)),
    ["micro", .. var rest] => await Micro.RunAsync(Arguments.Parse(rest)),
    ["keep", .. var rest] => await KeptClient.RunAsync(Arguments.Parse(rest)),
    ["serve", .. var rest] => await BrokerHost.RunAsync(Arguments.Parse(rest)),
    ["load", .. var rest] => await Load.RunAsync(Arguments.Parse(rest)),
    ["fleet", .. var rest] => await FleetCost.RunAsync(Arguments.Parse(rest)),
    ["devices", .. var rest] => await FleetCost.DevicesAsync(Arguments.Parse(rest)),
    ["start", .. var rest] => await StartUp.RunAsync(Arguments.Parse(rest)),
    ["databases", .. var rest] => await Databases.RunAsync(Arguments.Parse(rest)),
    ["soak", .. var rest] => await Soak.RunAsync(Arguments.Parse(rest)),
    ["restarts", .. var rest] => await Restarts.RunAsync(Arguments.Parse(rest)),
    ["pages", .. var rest] => await Pages.RunAsync(Arguments.Parse(rest)),
    ["wire", .. var rest] => WireBench.Run(Arguments.Parse(rest)),
    ["roundtrip", .. var rest] => await RoundTrip.RunAsync(Arguments.Parse(rest)),
    ["device", .. var rest] => await DeviceProgram.RunAsync(Arguments.Parse(rest)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Signet.Bench serve (--plain PORT | --tls PORT --ca FILE --cert FILE --key FILE) [--policy] [--data DIR] [--attached]\n       Signet.Bench micro [--qos 0|1] [--subs N] [--policy]\n       Signet.Bench audit [--what append|latency|verify|search|grow] [--postgres [CONNECTION]] [--no-search] [--only FORM] [--producers N] [--rounds N] [--seconds S] [--rate N] [--entries N]\n       Signet.Bench load --port N [--mode connect|idle] [--tls --ca FILE --cert FILE --key FILE] [--qos 0|1] [--pubs N] [--subs N] [--layout shared] [--window N] [--batch N] [--rate N] [--persistent] [--duration S] [--broker-pid N]\n       Signet.Bench auth [--rounds N] [--seconds S] [--devices N] | auth --logins N [--cost C]\n       Signet.Bench decisions [--principals N] [--rules N] [--rounds N]\n       Signet.Bench pages [--devices N] [--entries N] [--people N] [--rounds N]\n       Signet.Bench wire [--rounds N] [--milliseconds N]\n       Signet.Bench roundtrip [--blocks N] [--paced N] [--pause MILLISECONDS] [--only WORDS]\n       Signet.Bench device [--rounds N] [--seconds N] [--signet signet.dll]\n       Signet.Bench soak [--short] [--devices N] [--hours N] [--seconds N] [--limit SECONDS] [--interval SECONDS] [--heartbeat SECONDS] [--keep-alive SECONDS] [--step SECONDS] [--postgres CONNECTION] [--json]\n       Signet.Bench restarts [--devices N] [--rounds N] [--kick | --close] [--trim]\n       Signet.Bench fleet [--devices N] [--seconds N] [--interval SECONDS] [--heartbeat SECONDS] [--keep-alive SECONDS]\n       Signet.Bench start [--devices N] [--entries N] [--rounds N] [--signet signet.dll] [--keep DIR]\n       Signet.Bench databases [--postgres CONNECTION] [--seconds N] [--rounds N]");
    return 2;
}

using Signet.Bench;

// serve: a bare broker to point any load at.  micro: what the broker itself costs, without sockets.
return args switch
{
    ["micro", .. var rest] => await Micro.RunAsync(Arguments.Parse(rest)),
    ["serve", .. var rest] => await BrokerHost.RunAsync(Arguments.Parse(rest)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Signet.Bench serve (--plain PORT | --tls PORT --ca FILE --cert FILE --key FILE) [--policy] [--data DIR] [--attached]\n       Signet.Bench micro [--qos 0|1] [--subs N] [--policy]");
    return 2;
}

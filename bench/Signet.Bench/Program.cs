using Signet.Bench;

// serve: a bare broker to point any load at.  load: our own load generator, so that bench/ runs without foreign tools.
return args switch
{
    ["serve", .. var rest] => await BrokerHost.RunAsync(Arguments.Parse(rest)),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Signet.Bench serve (--plain PORT | --tls PORT --ca FILE --cert FILE --key FILE) [--policy] [--data DIR]");
    return 2;
}

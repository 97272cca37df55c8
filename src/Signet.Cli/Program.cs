using System.CommandLine;
using Signet.Cli.Metrics;
using Signet.Cli.Shell;
using Signet.Cli.Up;
using Signet.Cli.PubSub;
using Signet.Cli.Verbs;

var root = new RootCommand("Signet: a zero-trust command center for MQTT device fleets")
{
    UpVerb.Build(),
    InitVerb.Build(),
    StatusVerb.Build(),
    DeviceVerb.Build(),
    CommandVerb.Build(),
    ManifestVerb.Build(),
    ReceiptVerb.Build(),
    CertVerb.Build(),
    CrlVerb.Build(),
    CaVerb.Build(),
    AuditVerb.Build(),
    UserVerb.Build(),
    TokenVerb.Build(),
    BrokerVerb.Build(),
    PolicyVerb.Build(),
    MetricsVerb.Build(),
    CompletionVerb.Build(),
    DoctorVerb.Build(),
    BackupVerb.Backup(),
    BackupVerb.Restore(),
    MigrateVerb.Build(),
    PubVerb.Build(),
    SubVerb.Build(),
    LabVerb.Build(),
};
root.Subcommands.Add(HelpVerb.Build(root));
GlobalOptions.AddTo(root);
VersionLine.AddTo(root);
using var telemetry = Signet.Cli.Telemetry.Otlp.FromEnvironment();
Examples.AddTo(root);
return await Verb.RunAsync(root, args);

namespace Signet.Cli.Up;

// Which program carries the messages.
internal sealed partial record Setting
{
    public static Setting BrokerKind => OtherBrokers.BrokerKind;
    public static Setting BrokerAddress => OtherBrokers.BrokerAddress;
    public static Setting BrokerDirectory => OtherBrokers.BrokerDirectory;
    public static Setting BrokerPlugin => OtherBrokers.BrokerPlugin;
    public static Setting BrokerManagement => OtherBrokers.BrokerManagement;
    public static Setting BrokerManagementUser => OtherBrokers.BrokerManagementUser;
    public static Setting BrokerManagementPasswordFile => OtherBrokers.BrokerManagementPasswordFile;

    private static Setting[] OfBrokers => [BrokerKind, BrokerAddress, BrokerDirectory, BrokerPlugin, BrokerManagement, BrokerManagementUser, BrokerManagementPasswordFile];

    // A class of its own, made when it is first asked for: nobody promises the order in which the static fields of two files of one class are made.
    private static class OtherBrokers
    {
        public static readonly Setting BrokerKind = new("broker:kind", "--broker", "embedded", "Which program carries the messages: embedded, mosquitto or rabbitmq",
            value => value is "embedded" or "mosquitto" or "rabbitmq" ? null : "embedded, mosquitto or rabbitmq");

        public static readonly Setting BrokerAddress = new("broker:address", null, "", "HOST:PORT of that broker when somebody else runs it (RabbitMQ always); empty: Mosquitto as a child of this program",
            value => value.Length == 0 || Address(value) is not null ? null : "HOST:PORT, or empty");

        public static readonly Setting BrokerDirectory = new("broker:directory", null, "", "Mosquitto: folder for its configuration, lists and rules; empty: mosquitto/ in the data directory", Absolute);
        public static readonly Setting BrokerPlugin = new("broker:plugin", null, "", "Mosquitto: path of signet_mosquitto.so (deploy/mosquitto/build.sh makes it); empty: beside this program, or in /usr/lib/signet", Absolute);
        public static readonly Setting BrokerManagement = new("broker:management", null, "", "RabbitMQ: address of its management API (https, or http on this machine); empty: open sessions are not cut",
            value => value.Length == 0 || (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0) ? null : "an http:// or https:// address without a password in it, or empty");
        public static readonly Setting BrokerManagementUser = new("broker:managementUser", null, "signet", "RabbitMQ: user of its management API", value => value.Length > 0 ? null : "a name");
        public static readonly Setting BrokerManagementPasswordFile = new("broker:managementPasswordFile", null, "", "RabbitMQ: file (0600) with that user's password", Absolute);
    }
}

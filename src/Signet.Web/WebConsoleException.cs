namespace Signet.Web;

/// <summary>The console could not start; the message is one line for the person who started it.</summary>
public sealed class WebConsoleException(string message, Exception? inner = null) : Exception(message, inner);

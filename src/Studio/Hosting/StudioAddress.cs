using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>The address of a studio as a browser opens it.</summary>
public static class StudioAddress
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The address, with the token if there is one.</summary>
    /// <param name="options">The studio's options.</param>
    /// <param name="port">The port at which it listens.</param>
    public static Uri Of(StudioOptions options, int port)
    {
        var address = options.Address;
        var host = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? HostName(address.AddressFamily) ?? IPAddress.Loopback.ToString() : address.ToString();
        // UriBuilder puts brackets around an IPv6 address.
        return new UriBuilder(Uri.UriSchemeHttp, host, port) { Query = options.Token is { } token ? $"token={Uri.EscapeDataString(token)}" : "" }.Uri;
    }

    // Nothing can be opened at 0.0.0.0 or [::]. The machine's name can, if it leads to this machine.
    private static string? HostName(AddressFamily family)
    {
        var name = Dns.GetHostName();
        if (Uri.CheckHostName(name) != UriHostNameType.Dns)
            return null;
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            var found = Dns.GetHostAddressesAsync(name, timeout.Token).GetAwaiter().GetResult();
            var own = NetworkInterface.GetAllNetworkInterfaces().SelectMany(network => network.GetIPProperties().UnicastAddresses).Select(entry => entry.Address).ToHashSet();
            return found.Any(address => IsReachedBy(address, family) && (IPAddress.IsLoopback(address) || own.Contains(address))) ? name : null;
        }
        catch (Exception e) when (e is SocketException or NetworkInformationException or OperationCanceledException)
        {
            return null;
        }
    }

    // A studio at [::] also listens to IPv4.
    private static bool IsReachedBy(IPAddress address, AddressFamily family) => family == AddressFamily.InterNetworkV6 || address.AddressFamily == family;
}

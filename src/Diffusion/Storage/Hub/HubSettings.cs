namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The hub's address, cache directory and token, from the same environment variables as the hub's own tools.</summary>
/// <param name="environment">Reads an environment variable.</param>
internal sealed class HubSettings(Func<string, string?> environment)
{
    private const string EndpointVariable = "HF_ENDPOINT";

    /// <summary>The settings of this process.</summary>
    public HubSettings()
        : this(Environment.GetEnvironmentVariable)
    {
    }

    /// <summary>The hub's address: <c>HF_ENDPOINT</c>, or huggingface.co.</summary>
    /// <exception cref="InvalidInputException">The variable is not a valid address.</exception>
    public Uri Endpoint
    {
        get
        {
            var text = (Set(EndpointVariable) ?? "https://huggingface.co").TrimEnd('/') + "/";
            return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                ? uri
                : throw new InvalidInputException($"{EndpointVariable} is \"{text.TrimEnd('/')}\", which is not an http or https address. Correct it, or unset it to use huggingface.co.");
        }
    }

    /// <summary>The cache's directory: <c>HF_HUB_CACHE</c>, or <c>hub</c> in <c>HF_HOME</c>. It need not exist.</summary>
    public string CacheFolder => Path.GetFullPath(Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(Home, "hub"));

    /// <summary>Whether <c>HF_HUB_OFFLINE</c> forbids network access to the hub.</summary>
    public bool IsOffline => Set("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    /// <summary>The access token: <c>HF_TOKEN</c>, or the token file of the hub's own tools; null if there is neither.</summary>
    /// <exception cref="InvalidInputException">The token is invalid, or its file cannot be read.</exception>
    internal HubToken? Token
    {
        get
        {
            if ((Set("HF_TOKEN") ?? Set("HUGGING_FACE_HUB_TOKEN")) is { } given)
                return HubToken.Parse(given, "HF_TOKEN");
            var file = Folder("HF_TOKEN_PATH") ?? Path.Combine(Home, "token");
            return File.Exists(file) ? HubToken.Read(file) : null;
        }
    }

    private string Home =>
        Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(EnvironmentPath.Home(environment), ".cache"), "huggingface");

    private string? Folder(string variable) => EnvironmentPath.Read(variable, environment);

    private string? Set(string variable) => environment(variable) is { Length: > 0 } value ? value : null;
}

using System.Net;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Grids;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>Options of the studio.</summary>
public sealed record StudioOptions
{
    /// <summary>Address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port to listen on; 0 for any free port.</summary>
    public int Port { get; init; } = 5272;

    /// <summary>Access token; null for no access control.</summary>
    public string? Token { get; init; }

    /// <summary>Folder of the store.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The models, at least one; the first is the default.</summary>
    public required IReadOnlyList<OfferedModel> Models { get; init; }

    /// <summary>Offers a model that was fetched from the hub. Null if models cannot be fetched.</summary>
    public Func<FetchedModel, OfferedModel>? OfferFetched { get; init; }

    /// <summary>The hub from which models are fetched.</summary>
    internal HubSettings Hub { get; init; } = new();

    /// <summary>The cluster whose runs are shown; null for none.</summary>
    internal ClusterAddress? Cluster { get; init; }

    /// <summary>Limits of the engine.</summary>
    public EngineLimits Limits { get; init; } = new();

    /// <summary>Default denoising steps of new pictures on the page.</summary>
    public int DefaultSteps { get; init; } = 30;

    /// <summary>Maximum size of an uploaded file in bytes.</summary>
    public long MaxUploadBytes { get; init; } = 20L << 20;

    /// <summary>Maximum size of an uploaded picture in pixels.</summary>
    public long MaxUploadPixels { get; init; } = 40L << 20;

    /// <summary>Maximum size of an added LoRA in bytes.</summary>
    public long MaxLoraBytes { get; init; } = 2L << 30;

    /// <summary>Draws pictures with captions side by side, as PNG.</summary>
    public required Func<IReadOnlyList<(Image Image, string Caption)>, byte[]> DrawGrid { get; init; }

    /// <summary>Draws a labeled table of pictures, as PNG.</summary>
    public required Func<PictureTable, byte[]> DrawTable { get; init; }
}

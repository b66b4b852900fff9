using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>Numbers the attention layers of a U-Net, in execution order, while it is built.</summary>
internal sealed class SiteRegistry
{
    private readonly List<AttentionSite> sites = [];

    private int residuals;

    public UNetStage Stage { get; set; }

    public IReadOnlyList<AttentionSite> Sites => sites;

    public AttentionSite Add(AttentionKind kind, WeightScope weights)
    {
        var site = new AttentionSite(sites.Count, Stage, kind, weights.Name);
        sites.Add(site);
        return site;
    }

    public ResidualSite AddResidual(WeightScope weights) => new(residuals++, Stage, weights.Name);
}

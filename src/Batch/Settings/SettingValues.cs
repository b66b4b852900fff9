using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Batch.Settings;

/// <summary>Values of settings by name, as an item or a run gives them. A value may hold ranges.</summary>
internal sealed class SettingValues
{
    private readonly SortedDictionary<string, string> texts;

    private SettingValues(SortedDictionary<string, string> texts) => this.texts = texts;

    /// <summary>No values.</summary>
    public static SettingValues None { get; } = new(new(StringComparer.Ordinal));

    /// <summary>The values of settings that every sample's record has.</summary>
    public static SettingValues Defaults { get; } = new(new(StringComparer.Ordinal)
    {
        [BatchSettings.Cross] = Written(new EditRequest().CrossSteps.Default.End),
        ["guidance"] = Written(SamplingSettings.DefaultGuidance),
        [BatchSettings.Self] = Written(new EditRequest().SelfSteps.End),
        ["steps"] = Written(SamplingSettings.DefaultSteps),
    });

    /// <summary>The values, sorted by name.</summary>
    public IEnumerable<KeyValuePair<string, string>> All => texts;

    /// <summary>Whether samples draw a number.</summary>
    public bool HasRange => !At(0).All.SequenceEqual(At(1).All);

    /// <summary>The values that differ from the defaults of their settings.</summary>
    public SettingValues Changed
    {
        get
        {
            var defaults = new SampleSettings();
            return new(new(texts.Where(value => BatchSettings.Find(value.Key)!.Apply(defaults, value.Value) != defaults).ToDictionary(), StringComparer.Ordinal));
        }
    }

    /// <summary>
    /// These values, with <see cref="Defaults"/> where they have none. Methods other than Prompt-to-Prompt have no <c>cross</c> and <c>self</c>, and numbers that
    /// change nothing are left out.
    /// </summary>
    public SettingValues OverDefaults() => Over(At(0).ToSettings().Edit.Method is PromptToPromptMethod ? Defaults : Defaults.Without(BatchSettings.Cross, BatchSettings.Self)).Used;

    /// <summary>These values without the numbers that change nothing beside the others.</summary>
    public SettingValues Used => Without([.. UnusedSetting.Of(this).Select(unused => unused.Name)]);

    /// <summary>A number that samples draw although it changes nothing, and its range; null if there is none.</summary>
    public (UnusedSetting Setting, string Range)? DrawnInVain => UnusedSetting.Of(this)
        .Where(unused => Has(unused.Name) && None.With(unused.Name, texts[unused.Name]).HasRange).Select(unused => ((UnusedSetting, string)?)(unused, texts[unused.Name])).FirstOrDefault();

    /// <summary>Whether a setting has a value.</summary>
    public bool Has(string name) => texts.ContainsKey(name);

    /// <summary>These values with one more.</summary>
    public SettingValues With(string name, string text) => new(new(texts, StringComparer.Ordinal) { [name] = text });

    /// <summary>These values without some of them.</summary>
    public SettingValues Without(params string[] names) => new(new(texts.Where(value => !names.Contains(value.Key)).ToDictionary(), StringComparer.Ordinal));

    /// <summary>What these resolved values mean, each thing in one form: without numbers that change nothing, without what concerns given images if there is none, and with the methods by their full names.</summary>
    /// <param name="isGiven">Whether the source is a given image.</param>
    public SettingValues Canonical(bool isGiven)
    {
        var settings = ToSettings();
        var editing = settings.Edit.Method is PromptToPromptMethod ? null : settings.Edit.Method.Name;
        var (others, method) = isGiven ? (Used, new MethodChoice(settings.Inversion.Name, editing)) : (Used.Without(BatchSettings.Method, BatchSettings.Frame, BatchSettings.OverOriginal), new MethodChoice(null, editing));
        return method is { Inversion: null, Editing: null } ? others : others.With(BatchSettings.Method, method.ToString());
    }

    /// <summary>These values, and others where these have none.</summary>
    public SettingValues Over(SettingValues others)
    {
        var both = new SortedDictionary<string, string>(others.texts, StringComparer.Ordinal);
        foreach (var (name, text) in texts)
            both[name] = text;
        return new(both);
    }

    /// <summary>The values of one sample.</summary>
    /// <param name="draw">The sample's random numbers.</param>
    public SettingValues Resolve(SampleDraw draw) => Resolved(draw.Uniform);

    /// <summary>The values with the number at a place of each range.</summary>
    /// <param name="place">From 0, the smallest number, to 1, the largest.</param>
    public SettingValues At(double place) => Resolved(_ => place);

    /// <summary>The settings of a sample from its resolved values.</summary>
    public SampleSettings ToSettings() =>
        texts.Aggregate(new SampleSettings(), (settings, value) => BatchSettings.Find(value.Key)!.Apply(settings, value.Value));

    /// <summary>Resolved values as JSON.</summary>
    public JsonObject ToJson() => new(texts.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)BatchSettings.Find(value.Key)!.ToJson(value.Value))));

    private SettingValues Resolved(Func<string, double> draw)
    {
        var resolved = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, text) in texts)
            resolved[name] = BatchSettings.Find(name)!.Resolve(text, draw);
        return new(resolved);
    }

    private static string Written(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}

using MudBlazor;

namespace PromptToPrompt.Studio.Pages;

/// <summary>
/// Paper and ink by day and by night. All colours of the page come from here; its stylesheet gives them shorter names. Both are on the page from
/// the start, and an attribute of the root says which one counts, so that turning the lights off asks nobody and flashes nothing.
/// </summary>
internal static class StudioTheme
{
    private static readonly string[] Serif = ["Garamond", "EB Garamond", "Georgia", "serif"];
    private static readonly string[] Sans = ["Inter", "system-ui", "sans-serif"];

    public static MudTheme Light { get; } = Make(":root");

    public static MudTheme Dark { get; } = Make(":root[data-theme=dark]");

    private static MudTheme Make(string scope) => new()
    {
        PseudoCss = new() { Scope = scope },
        LayoutProperties = new() { DefaultBorderRadius = "8px" },
        PaletteLight = new PaletteLight
        {
            Background = "#f5f1e8", Surface = "#fdfbf6", BackgroundGray = "#ebe5d8",
            TextPrimary = "#221f1a", TextSecondary = "#6d665a", TextDisabled = "#221f1a73", ActionDefault = "#6d665a", ActionDisabled = "#221f1a73", ActionDisabledBackground = "#221f1a14",
            LinesDefault = "#dcd4c3", LinesInputs = "#bdb29c", Divider = "#dcd4c3",
            Primary = "#bf3f24", PrimaryContrastText = "#fff8f2", Tertiary = "#0f6f61", TertiaryContrastText = "#f2fffc", Error = "#bf3f24", ErrorContrastText = "#fff8f2",
            Dark = "#2b2721", DarkContrastText = "#f5f1e8", GrayDarker = "#2b2721", OverlayDark = "#140f0880",
        },
        PaletteDark = new PaletteDark
        {
            Background = "#191714", Surface = "#24211d", BackgroundGray = "#12110f",
            TextPrimary = "#f0eadd", TextSecondary = "#a89f8f", TextDisabled = "#f0eadd66", ActionDefault = "#a89f8f", ActionDisabled = "#f0eadd66", ActionDisabledBackground = "#f0eadd14",
            LinesDefault = "#3a352d", LinesInputs = "#5b5346", Divider = "#3a352d",
            Primary = "#f0714f", PrimaryContrastText = "#1d0d07", Tertiary = "#5cc4b2", TertiaryContrastText = "#04211d", Error = "#f0714f", ErrorContrastText = "#1d0d07",
            Dark = "#f0eadd", DarkContrastText = "#191714", GrayDarker = "#f0eadd", OverlayDark = "#0a0806a6",
        },
        Typography = new()
        {
            Default = new DefaultTypography { FontFamily = Sans, FontSize = "14px", LineHeight = "1.5", LetterSpacing = "normal" },
            Body1 = new Body1Typography { FontFamily = Sans, FontSize = "14px", LineHeight = "1.5", LetterSpacing = "normal" },
            Body2 = new Body2Typography { FontFamily = Sans, FontSize = "14px", LineHeight = "1.5", LetterSpacing = "normal" },
            Subtitle1 = new Subtitle1Typography { FontFamily = Sans, FontSize = "14px", LetterSpacing = "normal" },
            Caption = new CaptionTypography { FontFamily = Sans, FontSize = "12px", LetterSpacing = "normal" },
            Button = new ButtonTypography { FontFamily = Sans, FontSize = "14px", FontWeight = "500", LineHeight = "1.5", LetterSpacing = "normal", TextTransform = "none" },
            H6 = new H6Typography { FontFamily = Serif, FontSize = "28px", FontWeight = "400", LineHeight = "1.15", LetterSpacing = "normal" },
        },
    };
}
